#include "server/wire/json_tensor.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "expect_error.hpp"

namespace aios::server::wire {
namespace {

struct Read {
  TensorBuffer tensor;
  Shape shape;

  Read(DType dtype, const std::string& text) {
    tensor.start(dtype);
    JsonReader reader(text);
    shape = readNested(reader, tensor);
    reader.end();
  }
  std::vector<int64_t> sizes() const { return {shape.span().begin(), shape.span().end()}; }
  template <typename T>
  std::vector<T> elements() const {
    const auto* begin = reinterpret_cast<const T*>(tensor.data());
    return std::vector<T>(begin, begin + tensor.elements());
  }
};

std::string written(const TensorView& view, bool as_base64 = false) {
  std::string json;
  appendNested(view, 0, 0, as_base64, json);
  return json;
}

using Sizes = std::vector<int64_t>;

TEST(JsonTensor, ReadsNestedArraysAndTheirShape) {
  const Read read(DType::kFloat32, "[[1, 2.5, -3e0], [4, 5, 6]]");
  EXPECT_EQ(read.sizes(), (Sizes{2, 3}));
  EXPECT_EQ(read.elements<float>(), (std::vector<float>{1, 2.5F, -3, 4, 5, 6}));
  EXPECT_EQ(Read(DType::kInt32, "7").sizes(), Sizes{});
  EXPECT_EQ(Read(DType::kInt32, "[]").sizes(), Sizes{0});
  EXPECT_EQ(Read(DType::kInt32, "[[],[]]").sizes(), (Sizes{2, 0}));
}

TEST(JsonTensor, RefusesArraysThatAreNotATensor) {
  for (const char* text :
       {"[[1, 2], [3]]", "[1, [2]]", "[[1], 2]", "[[], [1]]", "[[[[[[[[[1]]]]]]]]]", "[1,]", "[1",
        "{}", "\"1\"", "[true]", "[null]"}) {
    EXPECT_THROW(Read(DType::kFloat32, text), JsonError) << text;
  }
}

TEST(JsonTensor, ReadsBooleansAsWordsAndAsNumbers) {
  const Read read(DType::kBool, "[true, false, 1, 0]");
  EXPECT_EQ(read.elements<bool>(), (std::vector<bool>{true, false, true, false}));
  EXPECT_THROW(Read(DType::kBool, "[2]"), JsonError);
}

TEST(JsonTensor, ReadsStringsAndBase64) {
  const std::string text = R"(["plain", "a\nb", {"b64": "AP8="}])";
  const Read read(DType::kString, text);
  std::vector<std::string> strings;
  for (const StringRef& ref : read.elements<StringRef>()) strings.emplace_back(ref.data, ref.size);
  EXPECT_EQ(strings, (std::vector<std::string>{"plain", "a\nb", std::string("\0\xFF", 2)}));
  EXPECT_THROW(Read(DType::kString, R"([{"b64": "?"}])"), JsonError);
  EXPECT_THROW(Read(DType::kString, R"([{"c64": "AP8="}])"), JsonError);
  EXPECT_THROW(Read(DType::kString, "[{}]"), JsonError);
}

TEST(JsonTensor, DoesNotCarryHalfFloats) {
  EXPECT_AIOS_ERROR(Read(DType::kFloat16, "[1]"), kUnsupported, "float16");
  EXPECT_AIOS_ERROR(Read(DType::kBFloat16, "[1]"), kUnsupported, "bfloat16");
}

TEST(JsonTensor, WritesFloatsShortestAndAlwaysAsFloats) {
  const float inf = std::numeric_limits<float>::infinity();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> values = {1, 0.1F, -2.5F, 1e30F, inf, -inf, nan, -0.0F};
  EXPECT_EQ(written(TensorView::of(values.data(), {4, 2})),
            "[[1.0, 0.1], [-2.5, 1e+30], [Infinity, -Infinity], [NaN, -0.0]]");
}

TEST(JsonTensor, WritesEveryShape) {
  const std::vector<int64_t> values = {1, 2, 3, 4};
  EXPECT_EQ(written(TensorView::of(values.data(), {})), "1");
  EXPECT_EQ(written(TensorView::of(values.data(), {2, 0})), "[[], []]");
  EXPECT_EQ(written(TensorView::of(values.data(), {2, 1, 2})), "[[[1, 2]], [[3, 4]]]");
  const bool flags[] = {true, false};
  EXPECT_EQ(written(TensorView::of(&flags[0], {2})), "[true, false]");
}

TEST(JsonTensor, WritesStringsThatAreNotTextAsBase64) {
  const StringRef refs[] = {{"a\"\n", 3}, {"\xFF", 1}, {"\xC3\xA9", 2}};
  const auto view = TensorView::of(&refs[0], {3});
  EXPECT_EQ(written(view), "[\"a\\\"\\u000a\", {\"b64\": \"/w==\"}, \"\xC3\xA9\"]");
  EXPECT_EQ(written(view, true), R"([{"b64": "YSIK"}, {"b64": "/w=="}, {"b64": "w6k="}])");
}

TEST(JsonTensor, KnowsUtf8) {
  for (const char* good : {"", "a", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"}) {
    EXPECT_TRUE(isUtf8(good)) << good;
  }
  for (const char* bad : {"\x80", "\xC0\xAF", "\xC3", "\xE0\x80\xAF", "\xED\xA0\x80",
                          "\xF4\x90\x80\x80", "\xF8\x88\x80\x80\x80", "a\xE2\x82"}) {
    EXPECT_FALSE(isUtf8(bad)) << bad;
  }
}

}  // namespace
}  // namespace aios::server::wire
