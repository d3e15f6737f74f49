// Memory for one tensor that is being read from a message, kept for the next message.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <memory>
#include <string>
#include <string_view>

#include "aios/tensor.hpp"

namespace aios::server::wire {

struct Shape {
  std::array<int64_t, kMaxRank> dims{};
  std::size_t rank = 0;

  Span<const int64_t> span() const noexcept { return {dims.data(), rank}; }
};

// Elements in a row, at an address that every engine takes. For one thread.
class TensorBuffer {
 public:
  // Forgets the elements, not the memory, unless it is much.
  void start(DType dtype);

  DType dtype() const noexcept { return dtype_; }
  std::size_t bytes() const noexcept { return size_; }
  const char* data() const noexcept { return memory_.get(); }
  std::size_t elements() const noexcept { return size_ / byteSize(dtype_); }

  // Room for so many more bytes, which count as written.
  char* extend(std::size_t bytes) {
    if (capacity_ - size_ < bytes) grow(bytes);
    char* const end = memory_.get() + size_;
    size_ += bytes;
    return end;
  }
  template <typename T>
  void push(T value) {
    *reinterpret_cast<T*>(extend(sizeof(T))) = value;
  }
  // An element of a kString tensor. `text` is kept by the buffer only if asked to.
  void pushString(std::string_view text, bool keep);

  // Throws InvalidArgument unless the shape has as many elements as were written.
  TensorView view(Span<const int64_t> shape) const;

 private:
  struct Free {
    void operator()(char* memory) const noexcept { std::free(memory); }
  };
  void grow(std::size_t bytes);

  DType dtype_ = DType::kInvalid;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
  std::unique_ptr<char, Free> memory_;
  std::deque<std::string> texts_;  // a deque's strings stay where they are
};

}  // namespace aios::server::wire
