// Tensors at the boundary of a cell: a borrowed view and an owning result.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "aios/export.hpp"

namespace aios {

// Element types. The numbers are part of the ABI: never renumber, only append.
enum class DType : int32_t {
  kInvalid = 0,
  kBool = 1,
  kInt8 = 2,
  kUInt8 = 3,
  kInt16 = 4,
  kUInt16 = 5,
  kInt32 = 6,
  kUInt32 = 7,
  kInt64 = 8,
  kUInt64 = 9,
  kFloat16 = 10,
  kFloat32 = 11,
  kFloat64 = 12,
  kString = 13,    // elements are StringRef
  kBFloat16 = 14,  // the upper half of a float32
};

// An element of a kString tensor: borrowed bytes, not terminated, of any content.
struct StringRef {
  const char* data = nullptr;
  std::size_t size = 0;
};

// Bytes per element; 0 for kInvalid.
AIOS_EXPORT std::size_t byteSize(DType dtype) noexcept;
// NumPy's name, as "float32"; "string" for kString.
AIOS_EXPORT const char* name(DType dtype) noexcept;
// The inverse of name(); kInvalid if there is none.
AIOS_EXPORT DType dtypeFromName(const std::string& name) noexcept;

namespace detail {
template <typename T>
constexpr DType dtypeOf() {
  using U = std::remove_cv_t<T>;
  if constexpr (std::is_same_v<U, bool>) return DType::kBool;
  if constexpr (std::is_same_v<U, int8_t>) return DType::kInt8;
  if constexpr (std::is_same_v<U, uint8_t>) return DType::kUInt8;
  if constexpr (std::is_same_v<U, int16_t>) return DType::kInt16;
  if constexpr (std::is_same_v<U, uint16_t>) return DType::kUInt16;
  if constexpr (std::is_same_v<U, int32_t>) return DType::kInt32;
  if constexpr (std::is_same_v<U, uint32_t>) return DType::kUInt32;
  if constexpr (std::is_same_v<U, int64_t>) return DType::kInt64;
  if constexpr (std::is_same_v<U, uint64_t>) return DType::kUInt64;
  if constexpr (std::is_same_v<U, float>) return DType::kFloat32;
  if constexpr (std::is_same_v<U, double>) return DType::kFloat64;
  if constexpr (std::is_same_v<U, StringRef>) return DType::kString;
  return DType::kInvalid;
}
}  // namespace detail

// A borrowed run of elements, like C++20's std::span; the caller keeps the memory alive.
template <typename T>
class Span {
 public:
  constexpr Span() noexcept = default;
  constexpr Span(T* data, std::size_t size) noexcept : data_(data), size_(size) {}
  template <typename Container, typename = decltype(std::declval<Container&>().data()),
            typename = std::enable_if_t<std::is_convertible_v<
                std::remove_pointer_t<decltype(std::declval<Container&>().data())> (*)[], T (*)[]>>>
  constexpr Span(Container&& container) noexcept
      : data_(container.data()), size_(container.size()) {}

  constexpr T* data() const noexcept { return data_; }
  constexpr std::size_t size() const noexcept { return size_; }
  constexpr bool empty() const noexcept { return size_ == 0; }
  constexpr T* begin() const noexcept { return data_; }
  constexpr T* end() const noexcept { return data_ + size_; }
  constexpr T& operator[](std::size_t i) const noexcept { return data_[i]; }

 private:
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

inline constexpr std::size_t kMaxRank = 8;

// Borrows memory that holds a C-contiguous tensor. Copying a view copies no elements.
class AIOS_EXPORT TensorView {
 public:
  TensorView() = default;
  // `data` has byteSize(dtype) * product(shape) bytes; it may be null if that is 0.
  // Throws InvalidArgument for a rank over kMaxRank, a negative size, or a size that overflows.
  TensorView(void* data, DType dtype, Span<const int64_t> shape);
  TensorView(const void* data, DType dtype, Span<const int64_t> shape);
  template <typename Memory>
  TensorView(Memory* data, DType dtype, std::initializer_list<int64_t> shape)
      : TensorView(data, dtype, Span<const int64_t>(shape.begin(), shape.size())) {}

  // dtype from the pointer's type; a pointer to const makes a view that can only be an input.
  template <typename T>
  static TensorView of(T* data, Span<const int64_t> shape) {
    static_assert(detail::dtypeOf<T>() != DType::kInvalid, "no tensor dtype for this type");
    return TensorView(data, detail::dtypeOf<T>(), shape);
  }
  template <typename T>
  static TensorView of(T* data, std::initializer_list<int64_t> shape) {
    return of(data, Span<const int64_t>(shape.begin(), shape.size()));
  }

  DType dtype() const noexcept { return dtype_; }
  std::size_t rank() const noexcept { return rank_; }
  Span<const int64_t> shape() const noexcept { return {dims_.data(), rank_}; }
  int64_t dim(std::size_t axis) const noexcept { return dims_[axis]; }
  std::size_t elements() const noexcept { return elements_; }
  std::size_t bytes() const noexcept { return elements_ * byteSize(dtype_); }
  bool writable() const noexcept { return writable_; }

  const void* bytesData() const noexcept { return data_; }
  // Null if the view isn't writable.
  void* mutableData() const noexcept { return writable_ ? data_ : nullptr; }
  // Null if T isn't the element type.
  template <typename T>
  const T* data() const noexcept {
    return detail::dtypeOf<T>() == dtype_ ? static_cast<const T*>(data_) : nullptr;
  }

 private:
  void* data_ = nullptr;
  std::size_t elements_ = 0;
  std::size_t rank_ = 0;
  std::array<int64_t, kMaxRank> dims_{};
  DType dtype_ = DType::kInvalid;
  bool writable_ = false;
};

// "float32[4,12]"
AIOS_EXPORT std::string describe(DType dtype, Span<const int64_t> shape);
AIOS_EXPORT std::string describe(const TensorView& view);

// Alignment, in bytes, of memory that every engine can bind without staging.
inline constexpr std::size_t kTensorAlignment = 64;

// Owns kTensorAlignment-aligned memory for one tensor; elements start undefined.
class AIOS_EXPORT Tensor {
 public:
  Tensor() = default;
  Tensor(DType dtype, Span<const int64_t> shape);
  Tensor(DType dtype, std::initializer_list<int64_t> shape)
      : Tensor(dtype, Span<const int64_t>(shape.begin(), shape.size())) {}
  // Copies the elements; of kString also the bytes that they refer to.
  static Tensor copyOf(const TensorView& view);

  DType dtype() const noexcept { return view_.dtype(); }
  Span<const int64_t> shape() const noexcept { return view_.shape(); }
  std::size_t elements() const noexcept { return view_.elements(); }
  std::size_t bytes() const noexcept { return view_.bytes(); }
  const TensorView& view() const noexcept { return view_; }
  template <typename T>
  const T* data() const noexcept {
    return view_.data<T>();
  }

 private:
  struct Free {
    void operator()(void* memory) const noexcept { std::free(memory); }
  };
  std::unique_ptr<void, Free> memory_;
  std::unique_ptr<std::string> characters_;  // what the elements of a kString tensor refer to
  TensorView view_;
};

}  // namespace aios
