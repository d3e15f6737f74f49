#include "server/wire/protobuf.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "expect_error.hpp"

namespace aios::server::wire {
namespace {

using namespace std::string_literals;

// The tags and values of a message, as text.
std::string told(std::string_view message) {
  std::string text;
  ProtobufReader reader(message);
  while (reader.next()) {
    const auto type = static_cast<WireType>(reader.tag() & 7);
    text += std::to_string(reader.tag() >> 3) + ":";
    if (type == WireType::kBytes) text += "'" + std::string(reader.bytes()) + "'";
    if (type == WireType::kVarint) text += std::to_string(reader.varint());
    if (type == WireType::kFixed32) text += std::to_string(reader.fixed<float>());
    if (type == WireType::kFixed64) text += std::to_string(reader.fixed<double>());
    if (type == WireType::kGroup) text += "group";
    text += " ";
  }
  return text;
}

TEST(ProtobufReader, ReadsEveryKindOfValue) {
  // Written by protobuf's own Python package.
  EXPECT_EQ(told("\x08\x96\x01"s), "1:150 ");
  EXPECT_EQ(told("\x12\x07testing"s), "2:'testing' ");
  EXPECT_EQ(told("\x1d\x00\x00\xc0\x3f"s), "3:1.500000 ");
  EXPECT_EQ(told("\x21\x00\x00\x00\x00\x00\x00\x04\xc0"s), "4:-2.500000 ");
  EXPECT_EQ(told("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"s), "1:18446744073709551615 ");
  EXPECT_EQ(told(""), "");
}

TEST(ProtobufReader, SkipsGroupsWithAllThatIsInThem) {
  EXPECT_EQ(told("\x0b\x10\x01\x1b\x1c\x22\x01x\x2d\x01\x02\x03\x04\x0c\x10\x05"s), "1:group 2:5 ");
}

TEST(ProtobufReader, RefusesWhatIsCutShort) {
  for (const std::string& message :
       {"\x08"s, "\x08\xff"s, "\x12\x07test"s, "\x1d\x00\x00"s, "\x21\x00"s, "\x0b"s,
        "\x0b\x08\x01"s, "\xff"s, "\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"s}) {
    EXPECT_AIOS_ERROR(told(message), kInvalidArgument, "malformed message: ");
  }
}

TEST(ProtobufReader, RefusesTagsThatNoFieldHas) {
  EXPECT_AIOS_ERROR(told("\x00\x01"s), kInvalidArgument, "no such field at byte 1");
  EXPECT_AIOS_ERROR(told("\xf8\xff\xff\xff\xff\x01\x01"s), kInvalidArgument, "no such field");
  EXPECT_AIOS_ERROR(told("\x0c"s), kInvalidArgument, "no such kind of value");
  EXPECT_AIOS_ERROR(told("\x0f"s), kInvalidArgument, "no such kind of value");
  EXPECT_AIOS_ERROR(told("\x0b\x14"s), kInvalidArgument, "the end of another group");
  EXPECT_AIOS_ERROR(told("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"s), kInvalidArgument,
                    "a number of more than 10 bytes");
}

TEST(ProtobufReader, RefusesGroupsThatAreTooDeep) {
  EXPECT_EQ(told(std::string(kMaxProtobufDepth, '\x0b') + std::string(kMaxProtobufDepth, '\x0c')),
            "1:group ");
  EXPECT_AIOS_ERROR(told(std::string(kMaxProtobufDepth + 1, '\x0b')), kInvalidArgument,
                    "more than 100 groups");
}

TEST(ProtobufReader, ReadsRepeatedNumbersPackedOrNot) {
  std::vector<uint64_t> values;
  const std::string message = "\x0a\x03\x01\x96\x01\x08\x05"s;
  ProtobufReader reader(message);
  while (reader.next()) {
    readVarints(reader, [&](uint64_t value) { values.push_back(value); });
  }
  EXPECT_EQ(values, (std::vector<uint64_t>{1, 150, 5}));
  const std::string short_one = "\x0a\x01\x96"s;
  ProtobufReader cut(short_one);
  ASSERT_TRUE(cut.next());
  EXPECT_AIOS_ERROR(readVarints(cut, [](uint64_t) {}), kInvalidArgument, "cut short");
}

TEST(ProtobufReader, ReadsRepeatedFloatsPackedOrNot) {
  uint64_t storage = 0;
  const std::string message = "\x0a\x04\x00\x00\xc0\x3f\x0d\x00\x00\x80\x3f\x0a\x03zzz"s;
  ProtobufReader reader(message);
  ASSERT_TRUE(reader.next());
  EXPECT_EQ(fixedElements(reader, 4, storage), "\x00\x00\xc0\x3f"s);
  ASSERT_TRUE(reader.next());
  EXPECT_EQ(fixedElements(reader, 4, storage), "\x00\x00\x80\x3f"s);
  ASSERT_TRUE(reader.next());
  EXPECT_AIOS_ERROR(fixedElements(reader, 4, storage), kInvalidArgument, "in 3 bytes");
}

TEST(MergedMessage, IsItsPartsInARow) {
  const std::string message = "\x0a\x01x\x12\x02no\x0a\x02yz"s;
  const MergedMessage merged(message, 1);
  EXPECT_TRUE(merged.isThere());
  EXPECT_EQ(merged.bytes(), "xyz");
  const MergedMessage single(message, 2);
  EXPECT_EQ(single.bytes().data(), message.data() + 5);
  EXPECT_FALSE(MergedMessage(message, 3).isThere());
  MergedMessage other;
  other.add("a");
  other.add("b");
  other.clear();
  other.add("c");
  EXPECT_EQ(other.bytes(), "c");
}

TEST(ProtobufWriter, WritesWhatTheReaderReads) {
  std::string out;
  appendVarintField(1, 150, out);
  appendBytesField(2, "testing", out);
  EXPECT_EQ(out, "\x08\x96\x01\x12\x07testing"s);
  EXPECT_EQ(out.size(), varintFieldSize(1, 150) + bytesFieldSize(2, 7));
  for (const uint64_t value : {uint64_t{0}, uint64_t{127}, uint64_t{128}, uint64_t{1} << 35,
                               std::numeric_limits<uint64_t>::max()}) {
    std::string number;
    appendVarint(value, number);
    EXPECT_EQ(number.size(), varintSize(value));
    EXPECT_EQ(ProtobufReader(number).readVarint(), value);
  }
}

TEST(ProtobufWriter, WritesMessagesInOneAnotherWhoseSizeComesLater) {
  std::string out;
  NestedMessage outer(1, out);
  appendVarintField(2, 7, out);
  NestedMessage inner(3, out);
  out += "\x08\x01";
  inner.end();
  outer.end();
  ProtobufReader reader(out);
  ASSERT_TRUE(reader.next());
  EXPECT_EQ(told(reader.bytes()), "2:7 3:'\x08\x01' ");
  EXPECT_FALSE(reader.next());
}

}  // namespace
}  // namespace aios::server::wire
