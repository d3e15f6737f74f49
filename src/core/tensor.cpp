#include "aios/tensor.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <new>

#include "aios/error.hpp"

namespace aios {
namespace {

struct DTypeRow {
  DType dtype;
  const char* name;
  std::size_t bytes;
};

constexpr std::array<DTypeRow, 15> kDTypes = {{
    {DType::kInvalid, "invalid", 0},
    {DType::kBool, "bool", 1},
    {DType::kInt8, "int8", 1},
    {DType::kUInt8, "uint8", 1},
    {DType::kInt16, "int16", 2},
    {DType::kUInt16, "uint16", 2},
    {DType::kInt32, "int32", 4},
    {DType::kUInt32, "uint32", 4},
    {DType::kInt64, "int64", 8},
    {DType::kUInt64, "uint64", 8},
    {DType::kFloat16, "float16", 2},
    {DType::kFloat32, "float32", 4},
    {DType::kFloat64, "float64", 8},
    {DType::kString, "string", sizeof(StringRef)},
    {DType::kBFloat16, "bfloat16", 2},
}};

const DTypeRow& row(DType dtype) noexcept {
  const auto index = static_cast<std::size_t>(dtype);
  return kDTypes[index < kDTypes.size() ? index : 0];
}

// Apart from what checks, as in signature.cpp: a view is made in every call.

[[noreturn, gnu::noinline]] void throwTooLarge(DType dtype, Span<const int64_t> shape) {
  throw Error(ErrorCode::kInvalidArgument,
              "a tensor of shape " + describe(dtype, shape) + " is larger than memory");
}

[[noreturn, gnu::noinline]] void throwNegative(DType dtype, Span<const int64_t> shape) {
  throw Error(ErrorCode::kInvalidArgument,
              "a tensor's shape needs sizes of 0 or more, got " + describe(dtype, shape));
}

[[noreturn, gnu::noinline]] void throwRank(std::size_t rank) {
  throw Error(ErrorCode::kInvalidArgument, "a tensor has at most " + std::to_string(kMaxRank) +
                                               " dimensions, got " + std::to_string(rank));
}

}  // namespace

std::size_t byteSize(DType dtype) noexcept { return row(dtype).bytes; }

const char* name(DType dtype) noexcept { return row(dtype).name; }

DType dtypeFromName(const std::string& name) noexcept {
  for (const DTypeRow& candidate : kDTypes) {
    if (name == candidate.name) return candidate.dtype;
  }
  return DType::kInvalid;
}

TensorView::TensorView(void* data, DType dtype, Span<const int64_t> shape)
    : data_(data), rank_(shape.size()), dtype_(dtype), writable_(true) {
  if (rank_ > kMaxRank) throwRank(rank_);
  std::ptrdiff_t count = 1, bytes = 0;
  for (std::size_t i = 0; i < rank_; ++i) {
    const int64_t dim = shape[i];
    if (dim < 0) throwNegative(dtype, shape);
    if (__builtin_mul_overflow(count, dim, &count)) throwTooLarge(dtype, shape);
    dims_[i] = dim;
  }
  const auto element = static_cast<std::ptrdiff_t>(byteSize(dtype));
  if (__builtin_mul_overflow(count, element, &bytes)) throwTooLarge(dtype, shape);
  elements_ = static_cast<std::size_t>(count);
}

TensorView::TensorView(const void* data, DType dtype, Span<const int64_t> shape)
    : TensorView(const_cast<void*>(data), dtype, shape) {
  writable_ = false;
}

std::string describe(DType dtype, Span<const int64_t> shape) {
  std::string text = name(dtype);
  text += '[';
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (i != 0) text += ',';
    text += std::to_string(shape[i]);
  }
  return text += ']';
}

std::string describe(const TensorView& view) { return describe(view.dtype(), view.shape()); }

Tensor::Tensor(DType dtype, Span<const int64_t> shape) {
  const TensorView sized(static_cast<void*>(nullptr), dtype, shape);
  // aligned_alloc wants a multiple of the alignment; an empty tensor still gets an address.
  const std::size_t blocks = sized.bytes() / kTensorAlignment + 1;
  memory_.reset(std::aligned_alloc(kTensorAlignment, blocks * kTensorAlignment));
  if (!memory_) throw std::bad_alloc();
  view_ = TensorView(memory_.get(), dtype, shape);
}

Tensor Tensor::copyOf(const TensorView& view) {
  Tensor copy(view.dtype(), view.shape());
  if (view.bytes() == 0) return copy;
  std::memcpy(copy.memory_.get(), view.bytesData(), view.bytes());
  if (view.dtype() != DType::kString) return copy;
  auto characters = std::make_unique<std::string>();
  auto* elements = static_cast<StringRef*>(copy.memory_.get());
  for (std::size_t i = 0; i < view.elements(); ++i) {
    characters->append(elements[i].data, elements[i].size);
  }
  const char* next = characters->data();
  for (std::size_t i = 0; i < view.elements(); ++i) {
    elements[i].data = next;
    next += elements[i].size;
  }
  copy.characters_ = std::move(characters);
  return copy;
}

}  // namespace aios
