#include "server/wire/protobuf_tensor.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "expect_error.hpp"

namespace aios::server::wire {
namespace {

using Sizes = std::vector<int64_t>;

// Writes a tensor's elements, reads them again, packed and one by one, and compares.
template <typename T>
void expectSame(ValueType type, DType dtype, const std::vector<T>& values) {
  const Sizes shape = {static_cast<int64_t>(values.size())};
  const TensorView view(static_cast<const void*>(values.data()), dtype, shape);
  const ValueField field{3, type};
  std::string packed;
  appendValues(view, field, packed);
  std::string single;
  for (const T& value : values) {
    const TensorView one(static_cast<const void*>(&value), dtype, Sizes{1});
    appendValues(one, field, single);
  }
  for (const std::string& message : {packed, single}) {
    TensorBuffer buffer;
    buffer.start(dtype);
    ProtobufReader reader(message);
    while (reader.next()) {
      ASSERT_TRUE(isField(reader, field));
      readValues(reader, field, "x", false, buffer);
    }
    ASSERT_EQ(buffer.elements(), values.size());
    EXPECT_EQ(std::memcmp(buffer.data(), values.data(), buffer.bytes()), 0) << name(dtype);
  }
}

template <typename T>
std::vector<T> extremes() {
  return {std::numeric_limits<T>::lowest(), T{0}, T{1}, std::numeric_limits<T>::max()};
}

TEST(ProtobufTensor, ReadsWhatItWritesOfEveryDtype) {
  expectSame<uint8_t>(ValueType::kBool, DType::kBool, {0, 1, 1});
  expectSame(ValueType::kInt32, DType::kInt8, extremes<int8_t>());
  expectSame(ValueType::kUInt32, DType::kUInt8, extremes<uint8_t>());
  expectSame(ValueType::kInt32, DType::kUInt8, extremes<uint8_t>());
  expectSame(ValueType::kInt32, DType::kInt16, extremes<int16_t>());
  expectSame(ValueType::kInt32, DType::kUInt16, extremes<uint16_t>());
  expectSame(ValueType::kInt32, DType::kInt32, extremes<int32_t>());
  expectSame(ValueType::kUInt32, DType::kUInt32, extremes<uint32_t>());
  expectSame(ValueType::kInt64, DType::kInt64, extremes<int64_t>());
  expectSame(ValueType::kUInt64, DType::kUInt64, extremes<uint64_t>());
  expectSame(ValueType::kBits, DType::kFloat16, extremes<uint16_t>());
  expectSame(ValueType::kBits, DType::kBFloat16, extremes<uint16_t>());
  expectSame(ValueType::kFloat, DType::kFloat32, extremes<float>());
  expectSame(ValueType::kDouble, DType::kFloat64, extremes<double>());
}

TEST(ProtobufTensor, BorrowsStrings) {
  const std::vector<StringRef> texts = {{"a\0b", 3}, {"", 0}};
  const ValueField field{8, ValueType::kBytes};
  std::string message;
  appendValues(TensorView::of(texts.data(), {2}), field, message);
  TensorBuffer buffer;
  buffer.start(DType::kString);
  ProtobufReader reader(message);
  while (reader.next()) readValues(reader, field, "x", false, buffer);
  const auto* const read = buffer.view(Sizes{2}).data<StringRef>();
  EXPECT_EQ(std::string(read[0].data, read[0].size), std::string("a\0b", 3));
  EXPECT_EQ(read[0].data, message.data() + 2);
  EXPECT_EQ(read[1].size, 0U);
}

TEST(ProtobufTensor, KeepsStringsThatItIsAskedToKeep) {
  const ValueField field{8, ValueType::kBytes};
  TensorBuffer buffer;
  buffer.start(DType::kString);
  {
    const std::string message = "\x42\x02yz";
    ProtobufReader reader(message);
    while (reader.next()) readValues(reader, field, "x", true, buffer);
  }
  const auto* const read = buffer.view(Sizes{1}).data<StringRef>();
  EXPECT_EQ(std::string(read[0].data, read[0].size), "yz");
}

TEST(ProtobufTensor, RefusesNumbersThatTheDtypeDoesNotHold) {
  const std::string message = "\x18\x80\x02";  // 256
  TensorBuffer buffer;
  buffer.start(DType::kUInt8);
  ProtobufReader reader(message);
  ASSERT_TRUE(reader.next());
  EXPECT_AIOS_ERROR(readValues(reader, {3, ValueType::kInt32}, "x", false, buffer),
                    kInvalidArgument, "input 'x': 256 isn't a uint8");
}

TEST(ProtobufTensor, TellsFieldsOfOtherNumbersAndKinds) {
  const std::string message = "\x18\x01";
  ProtobufReader reader(message);
  ASSERT_TRUE(reader.next());
  EXPECT_TRUE(isField(reader, {3, ValueType::kInt32}));
  EXPECT_FALSE(isField(reader, {4, ValueType::kInt32}));
  EXPECT_FALSE(isField(reader, {3, ValueType::kFloat}));
  EXPECT_FALSE(isField(reader, {3, ValueType::kNone}));
}

}  // namespace
}  // namespace aios::server::wire
