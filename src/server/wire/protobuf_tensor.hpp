// Elements of tensors as repeated fields of protobuf's messages, one for each kind of number.
#pragma once

#include <cstdint>
#include <string>

#include "server/wire/protobuf.hpp"
#include "server/wire/tensor_buffer.hpp"

namespace aios::server::wire {

enum class ValueType {
  kNone,
  kBool,
  kInt32,
  kUInt32,
  kInt64,
  kUInt64,
  kFloat,
  kDouble,
  kBytes,
  kBits,  // the 16 bits of a float16 or bfloat16, in an int32
};

// The field in which a message has the elements of one dtype.
struct ValueField {
  uint32_t number = 0;
  ValueType type = ValueType::kNone;

  constexpr uint32_t packedTag() const noexcept { return bytesTag(number); }
  constexpr uint32_t singleTag() const noexcept {
    return type == ValueType::kBytes    ? bytesTag(number)
           : type == ValueType::kFloat  ? tagOf(number, WireType::kFixed32)
           : type == ValueType::kDouble ? tagOf(number, WireType::kFixed64)
                                        : varintTag(number);
  }
};

// Whether the reader's field is this one, packed or not.
inline bool isField(const ProtobufReader& reader, const ValueField& field) noexcept {
  return field.type != ValueType::kNone &&
         (reader.tag() == field.packedTag() || reader.tag() == field.singleTag());
}

// Appends the values of a field to a tensor of the field's dtype. Strings are borrowed, unless the
// tensor is to `keep` them. Throws InvalidArgument for a number that the dtype doesn't hold;
// `input` is whose it is.
void readValues(const ProtobufReader& reader, const ValueField& field, const std::string& input,
                bool keep, TensorBuffer& tensor);

// Appends a field with a tensor's elements, which are of the field's dtype; nothing where there are
// none.
void appendValues(const TensorView& tensor, const ValueField& field, std::string& out);

}  // namespace aios::server::wire
