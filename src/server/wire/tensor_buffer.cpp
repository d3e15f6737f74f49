#include "server/wire/tensor_buffer.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "aios/error.hpp"

namespace aios::server::wire {
namespace {

// More is given back after the message that needed it.
constexpr std::size_t kKeptBytes = std::size_t{1} << 20;

}  // namespace

void TensorBuffer::start(DType dtype) {
  dtype_ = dtype;
  size_ = 0;
  texts_.clear();
  if (capacity_ <= kKeptBytes) return;
  memory_.reset();
  capacity_ = 0;
}

void TensorBuffer::grow(std::size_t bytes) {
  const std::size_t wanted = std::max(size_ + bytes, capacity_ * 2);
  const std::size_t rounded = (wanted + kTensorAlignment) / kTensorAlignment * kTensorAlignment;
  std::unique_ptr<char, Free> memory(
      static_cast<char*>(std::aligned_alloc(kTensorAlignment, rounded)));
  if (memory == nullptr) throw std::bad_alloc();
  if (size_ != 0) std::memcpy(memory.get(), memory_.get(), size_);
  memory_ = std::move(memory);
  capacity_ = rounded;
}

void TensorBuffer::pushString(std::string_view text, bool keep) {
  if (keep) text = texts_.emplace_back(text);
  push(StringRef{text.data(), text.size()});
}

TensorView TensorBuffer::view(Span<const int64_t> shape) const {
  const TensorView view(static_cast<const void*>(memory_.get()), dtype_, shape);
  if (view.bytes() == size_) return view;
  throw Error(ErrorCode::kInvalidArgument,
              "expected the elements of " + describe(view) + ", got " + std::to_string(elements()));
}

}  // namespace aios::server::wire
