#include "server/api/tensor_proto.hpp"

#include <array>
#include <vector>

#include "aios/error.hpp"
#include "server/wire/protobuf_tensor.hpp"

namespace aios::server::api {
namespace {

using wire::bytesTag;
using wire::MergedMessage;
using wire::ProtobufReader;
using wire::ValueField;
using wire::ValueType;
using wire::varintTag;

// The numbers of fields in proto/tensorflow.proto.
constexpr uint32_t kDtype = 1, kShape = 2, kContent = 4;
constexpr uint32_t kDim = 2, kUnknownRank = 3, kDimSize = 1;

constexpr std::size_t kMostRepeatedBytes = std::size_t{64} << 20;

struct Kind {
  int data_type = 0;
  ValueField values;
};

// In the order of DType.
constexpr std::array<Kind, 15> kKinds = {{{0, {}},
                                          {10, {11, ValueType::kBool}},
                                          {6, {7, ValueType::kInt32}},
                                          {4, {7, ValueType::kInt32}},
                                          {5, {7, ValueType::kInt32}},
                                          {17, {7, ValueType::kInt32}},
                                          {3, {7, ValueType::kInt32}},
                                          {22, {16, ValueType::kUInt32}},
                                          {9, {10, ValueType::kInt64}},
                                          {23, {17, ValueType::kUInt64}},
                                          {19, {13, ValueType::kBits}},
                                          {1, {5, ValueType::kFloat}},
                                          {2, {6, ValueType::kDouble}},
                                          {7, {8, ValueType::kBytes}},
                                          {14, {13, ValueType::kBits}}}};

const Kind& kindOf(DType dtype) { return kKinds[static_cast<std::size_t>(dtype)]; }

[[noreturn]] void refuse(const TensorSpec& spec, const std::string& what) {
  throw Error(ErrorCode::kInvalidArgument, "input '" + spec.name + "': " + what);
}

std::string bytesOf(std::size_t count) { return std::to_string(count) + " bytes"; }

class TensorReader {
 public:
  TensorReader(std::string_view message, bool keep, const TensorSpec& spec)
      : message_(message), keep_(keep), spec_(spec) {}

  void bind(std::size_t index, Workspace& workspace) {
    readHead();
    readShape();
    // The address is only asked whether it is there.
    const TensorView expected(static_cast<const void*>(this), spec_.dtype, shape_.span());
    checkTensor("input", spec_, expected);
    wire::TensorBuffer& tensor = workspace.input(index);
    if (!content_.empty()) {
      if (spec_.dtype != DType::kString) return bindContent(index, expected.bytes(), workspace);
      readStrings(expected.elements(), tensor);
    } else {
      readValues(tensor);
      fill(expected.elements(), tensor);
    }
    workspace.setShape(index, shape_.span());
  }

 private:
  void readHead() {
    uint64_t data_type = 0;
    ProtobufReader reader(message_);
    while (reader.next()) {
      if (reader.tag() == varintTag(kDtype)) data_type = reader.varint();
      if (reader.tag() == bytesTag(kShape)) shape_message_.add(reader.bytes());
      if (reader.tag() == bytesTag(kContent)) content_ = reader.bytes();
    }
    const auto expected = static_cast<uint64_t>(kindOf(spec_.dtype).data_type);
    if (data_type == expected) return;
    refuse(spec_, "expected " + describe(spec_) + ", which is the DataType " +
                      std::to_string(expected) + ", got a tensor of the DataType " +
                      std::to_string(data_type));
  }

  void readShape() {
    ProtobufReader reader(shape_message_.bytes());
    while (reader.next()) {
      if (reader.tag() == varintTag(kUnknownRank) && reader.varint() != 0) {
        refuse(spec_, "expected a tensor_shape, got one of unknown rank");
      }
      if (reader.tag() != bytesTag(kDim)) continue;
      int64_t size = 0;
      ProtobufReader dim(reader.bytes());
      while (dim.next()) {
        if (dim.tag() == varintTag(kDimSize)) size = static_cast<int64_t>(dim.varint());
      }
      if (shape_.rank == kMaxRank || size < 0) {
        refuse(spec_, "expected at most 8 dimensions, each of size 0 or more");
      }
      shape_.dims[shape_.rank++] = size;
    }
  }

  void bindContent(std::size_t index, std::size_t bytes, Workspace& workspace) {
    if (content_.size() != bytes) {
      refuse(spec_, "expected " + bytesOf(bytes) + " of tensor_content for " +
                        describe(spec_.dtype, shape_.span()) + ", got " + bytesOf(content_.size()));
    }
    const bool is_aligned =
        reinterpret_cast<std::uintptr_t>(content_.data()) % byteSize(spec_.dtype) == 0;
    if (is_aligned && !keep_) {
      workspace.give(
          index, TensorView(static_cast<const void*>(content_.data()), spec_.dtype, shape_.span()));
      return;
    }
    std::memcpy(workspace.input(index).extend(bytes), content_.data(), bytes);
    workspace.setShape(index, shape_.span());
  }

  // The lengths of all elements, then the bytes of all.
  void readStrings(std::size_t count, wire::TensorBuffer& tensor) {
    ProtobufReader reader(content_);
    if (count > content_.size()) refuse(spec_, "tensor_content is cut short");
    std::vector<uint64_t> sizes(count);
    std::size_t lengths = 0;
    for (uint64_t& size : sizes) {
      size = reader.readVarint();
      lengths += wire::varintSize(size);
    }
    std::string_view rest = content_.substr(std::min(lengths, content_.size()));
    for (const uint64_t size : sizes) {
      if (size > rest.size()) refuse(spec_, "tensor_content is cut short");
      tensor.pushString(rest.substr(0, size), keep_);
      rest.remove_prefix(size);
    }
    if (!rest.empty()) refuse(spec_, "tensor_content has " + bytesOf(rest.size()) + " too many");
  }

  void readValues(wire::TensorBuffer& tensor) {
    const ValueField& field = kindOf(spec_.dtype).values;
    ProtobufReader reader(message_);
    while (reader.next()) {
      if (wire::isField(reader, field)) wire::readValues(reader, field, spec_.name, keep_, tensor);
    }
  }

  void fill(std::size_t count, wire::TensorBuffer& tensor) {
    const std::size_t given = tensor.elements();
    if (given > count) {
      refuse(spec_, "expected at most " + std::to_string(count) + " values for " +
                        describe(spec_.dtype, shape_.span()) + ", got " + std::to_string(given));
    }
    if (given == count) return;
    const std::size_t each = byteSize(spec_.dtype);
    const std::size_t bytes = (count - given) * each;
    if (bytes > kMostRepeatedBytes) {
      throw Error(ErrorCode::kOverloaded, "input '" + spec_.name + "': one value stands for " +
                                              bytesOf(bytes) + ": expected at most 64 MiB");
    }
    char* const rest = tensor.extend(bytes);
    if (given == 0) {
      std::memset(rest, 0, bytes);
      return;
    }
    for (std::size_t i = 0; i < bytes; i += each) std::memcpy(rest + i, rest - each, each);
  }

  std::string_view message_;
  const bool keep_;
  const TensorSpec& spec_;
  wire::Shape shape_;
  MergedMessage shape_message_;
  std::string_view content_;
};

std::size_t dimSize(int64_t size) {
  return size == 0 ? 0 : wire::varintFieldSize(kDimSize, static_cast<uint64_t>(size));
}

void appendShape(const TensorView& tensor, std::string& out) {
  std::size_t bytes = 0;
  for (const int64_t size : tensor.shape()) bytes += wire::bytesFieldSize(kDim, dimSize(size));
  wire::appendBytesHead(kShape, bytes, out);
  for (const int64_t size : tensor.shape()) {
    wire::appendBytesHead(kDim, dimSize(size), out);
    if (size != 0) wire::appendVarintField(kDimSize, static_cast<uint64_t>(size), out);
  }
}

}  // namespace

int dataTypeOf(DType dtype) noexcept { return kindOf(dtype).data_type; }

void bindTensorProto(std::string_view message, bool keep, const Signature& signature,
                     std::size_t index, Workspace& workspace) {
  TensorReader(message, keep, signature.inputs[index]).bind(index, workspace);
}

void appendTensorProto(uint32_t field, const TensorView& tensor, std::string& out) {
  const Kind& kind = kindOf(tensor.dtype());
  wire::NestedMessage message(field, out);
  wire::appendVarintField(kDtype, static_cast<uint64_t>(kind.data_type), out);
  appendShape(tensor, out);
  wire::appendValues(tensor, kind.values, out);
  message.end();
}

}  // namespace aios::server::api
