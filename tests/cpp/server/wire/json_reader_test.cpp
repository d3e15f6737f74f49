#include "server/wire/json_reader.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "expect_error.hpp"

namespace aios::server::wire {
namespace {

template <typename T>
T numberOf(const std::string& text) {
  JsonReader reader(text);
  const T value = reader.number<T>();
  reader.end();
  return value;
}

std::string stringOf(const std::string& text) {
  JsonReader reader(text);
  std::string storage;
  return std::string(reader.string(storage));
}

TEST(JsonReader, RoundsNumbersOnceToTheirType) {
  EXPECT_EQ(numberOf<float>(" 0.1 "), 0.1F);
  EXPECT_EQ(numberOf<float>("16777217"), 16777216.0F);
  EXPECT_EQ(numberOf<double>("-1.5e-3"), -1.5e-3);
  EXPECT_EQ(numberOf<float>("-0"), 0.0F);
  EXPECT_TRUE(std::signbit(numberOf<float>("-0")));
  EXPECT_EQ(numberOf<int64_t>("-9223372036854775808"), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(numberOf<uint64_t>("18446744073709551615"), std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(numberOf<int8_t>("65"), 65);
}

TEST(JsonReader, TakesTheTokensThatAreNotFinite) {
  EXPECT_TRUE(std::isnan(numberOf<float>("NaN")));
  EXPECT_EQ(numberOf<double>("Infinity"), std::numeric_limits<double>::infinity());
  EXPECT_EQ(numberOf<float>("-Infinity"), -std::numeric_limits<float>::infinity());
  EXPECT_AIOS_ERROR(numberOf<float>("nan"), kInvalidArgument, "expected a number");
  EXPECT_AIOS_ERROR(numberOf<float>("inf"), kInvalidArgument, "expected a number");
}

TEST(JsonReader, ReadsATinyNumberAsZeroAndRefusesAHugeOne) {
  EXPECT_EQ(numberOf<float>("1e-400"), 0.0F);
  EXPECT_EQ(numberOf<float>("1e-46"), 0.0F);
  EXPECT_EQ(numberOf<float>("1e-45"), std::numeric_limits<float>::denorm_min());
  EXPECT_AIOS_ERROR(numberOf<float>("1e39"), kInvalidArgument, "in range");
  EXPECT_AIOS_ERROR(numberOf<double>("-1e999"), kInvalidArgument, "in range");
  EXPECT_AIOS_ERROR(numberOf<int8_t>("128"), kInvalidArgument, "in range");
  EXPECT_AIOS_ERROR(numberOf<uint8_t>("-1"), kInvalidArgument, "integer");
}

TEST(JsonReader, RefusesWhatJsonDoesNotCallANumber) {
  for (const char* text : {"01", "+1", ".5", "5.", "-", "0x10", "", "1 2", "--1"}) {
    EXPECT_THROW(numberOf<double>(text), JsonError) << text;
  }
  EXPECT_AIOS_ERROR(numberOf<int32_t>("1.0"), kInvalidArgument, "expected an integer");
  EXPECT_AIOS_ERROR(numberOf<int32_t>("1e2"), kInvalidArgument, "expected an integer");
}

TEST(JsonReader, UnescapesStrings) {
  EXPECT_EQ(stringOf(R"("plain")"), "plain");
  EXPECT_EQ(stringOf(R"("a\"\\\/\n\t\u0041")"), "a\"\\/\n\tA");
  EXPECT_EQ(stringOf(R"("\u00e9\ud83d\ude00")"), "\xC3\xA9\xF0\x9F\x98\x80");
  for (const char* text : {R"("\ud83d")", R"("\ude00")", R"("\u12")", R"("\x")", "\"a\nb\"",
                           R"("open)", R"("\)", R"("\ud83dA")"}) {
    EXPECT_THROW(stringOf(text), JsonError) << text;
  }
}

TEST(JsonReader, WalksObjectsAndSkipsWhatNobodyAskedFor) {
  const std::string text = R"({"a": [1, {"b": null}], "c": "x", "d": -2.5})";
  JsonReader reader(text);
  std::string keys;
  double last = 0;
  reader.object([&](std::string_view key) {
    keys += key;
    if (key == "d") {
      last = reader.number<double>();
    } else {
      reader.skip();
    }
  });
  reader.end();
  EXPECT_EQ(keys, "acd");
  EXPECT_EQ(last, -2.5);
}

TEST(JsonReader, SaysWhereTheTextGoesWrong) {
  const std::string text = R"({"a" 1})";
  JsonReader reader(text);
  EXPECT_AIOS_ERROR(reader.skip(), kInvalidArgument, "expected ':', got '1' at offset 5");
}

TEST(JsonReader, RefusesTextNestedTooDeep) {
  const std::string text = std::string(100000, '[') + std::string(100000, ']');
  JsonReader reader(text);
  EXPECT_AIOS_ERROR(reader.skip(), kInvalidArgument, "in one another");
}

}  // namespace
}  // namespace aios::server::wire
