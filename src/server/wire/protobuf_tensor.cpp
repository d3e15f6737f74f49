#include "server/wire/protobuf_tensor.hpp"

#include "server/wire/exact.hpp"

namespace aios::server::wire {
namespace {

template <typename T>
void readFixed(const ProtobufReader& reader, TensorBuffer& tensor) {
  uint64_t storage;
  const std::string_view bytes = fixedElements(reader, sizeof(T), storage);
  if (!bytes.empty()) std::memcpy(tensor.extend(bytes.size()), bytes.data(), bytes.size());
}

// `Wire` is what the varint's bits are before they become a To.
template <typename Wire, typename To>
void readIntegers(const ProtobufReader& reader, const std::string& input, TensorBuffer& tensor) {
  readVarints(reader, [&](uint64_t bits) {
    const auto value = static_cast<Wire>(bits);
    if constexpr (sizeof(Wire) > sizeof(To)) {
      if (!holds<To>(value)) {
        throw Error(ErrorCode::kInvalidArgument, "input '" + input + "': " + std::to_string(value) +
                                                     " isn't a " + name(tensor.dtype()));
      }
    }
    tensor.push(static_cast<To>(value));
  });
}

template <typename Wire>
void readSmall(const ProtobufReader& reader, const std::string& input, TensorBuffer& tensor) {
  switch (tensor.dtype()) {
    case DType::kInt8:
      return readIntegers<Wire, int8_t>(reader, input, tensor);
    case DType::kUInt8:
      return readIntegers<Wire, uint8_t>(reader, input, tensor);
    case DType::kInt16:
      return readIntegers<Wire, int16_t>(reader, input, tensor);
    case DType::kUInt16:
      return readIntegers<Wire, uint16_t>(reader, input, tensor);
    default:
      return readIntegers<Wire, Wire>(reader, input, tensor);
  }
}

// The type in which an element of this dtype becomes a varint: negative ones of 32 bits and less
// have ten bytes, as protobuf extends their sign.
template <typename T>
uint64_t varintOf(T value) {
  return static_cast<uint64_t>(static_cast<int64_t>(value));
}

template <typename T>
void appendIntegers(const TensorView& tensor, uint32_t field, std::string& out) {
  const T* const values = static_cast<const T*>(tensor.bytesData());
  std::size_t size = 0;
  for (std::size_t i = 0; i < tensor.elements(); ++i) size += varintSize(varintOf(values[i]));
  appendBytesHead(field, size, out);
  for (std::size_t i = 0; i < tensor.elements(); ++i) appendVarint(varintOf(values[i]), out);
}

void appendStrings(const TensorView& tensor, uint32_t field, std::string& out) {
  const auto* const texts = static_cast<const StringRef*>(tensor.bytesData());
  for (std::size_t i = 0; i < tensor.elements(); ++i) {
    appendBytesField(field, {texts[i].data, texts[i].size}, out);
  }
}

}  // namespace

void readValues(const ProtobufReader& reader, const ValueField& field, const std::string& input,
                bool keep, TensorBuffer& tensor) {
  switch (field.type) {
    case ValueType::kBool:
      return readVarints(reader, [&](uint64_t value) { tensor.push(value != 0); });
    case ValueType::kInt32:
      return readSmall<int32_t>(reader, input, tensor);
    case ValueType::kUInt32:
      return readSmall<uint32_t>(reader, input, tensor);
    case ValueType::kInt64:
      return readIntegers<int64_t, int64_t>(reader, input, tensor);
    case ValueType::kUInt64:
      return readIntegers<uint64_t, uint64_t>(reader, input, tensor);
    case ValueType::kBits:
      return readIntegers<int32_t, uint16_t>(reader, input, tensor);
    case ValueType::kFloat:
      return readFixed<float>(reader, tensor);
    case ValueType::kDouble:
      return readFixed<double>(reader, tensor);
    case ValueType::kBytes:
      return tensor.pushString(reader.bytes(), keep);
    case ValueType::kNone:
      return;
  }
}

void appendValues(const TensorView& tensor, const ValueField& field, std::string& out) {
  if (tensor.elements() == 0) return;
  switch (tensor.dtype()) {
    case DType::kString:
      return appendStrings(tensor, field.number, out);
    case DType::kFloat32:
    case DType::kFloat64:
      return appendBytesField(field.number,
                              {static_cast<const char*>(tensor.bytesData()), tensor.bytes()}, out);
    case DType::kBool:
    case DType::kUInt8:
      return appendIntegers<uint8_t>(tensor, field.number, out);
    case DType::kInt8:
      return appendIntegers<int8_t>(tensor, field.number, out);
    case DType::kInt16:
      return appendIntegers<int16_t>(tensor, field.number, out);
    case DType::kInt32:
      return appendIntegers<int32_t>(tensor, field.number, out);
    case DType::kUInt32:
      return appendIntegers<uint32_t>(tensor, field.number, out);
    case DType::kInt64:
      return appendIntegers<int64_t>(tensor, field.number, out);
    case DType::kUInt64:
      return appendIntegers<uint64_t>(tensor, field.number, out);
    case DType::kUInt16:
    case DType::kFloat16:
    case DType::kBFloat16:
      return appendIntegers<uint16_t>(tensor, field.number, out);
    case DType::kInvalid:
      return;
  }
}

}  // namespace aios::server::wire
