// NumPy arrays as tensors, through NumPy's own C API: several times cheaper than nb::ndarray.
#pragma once

#include <nanobind/nanobind.h>

#include <optional>
#include <utility>

#include "aios/signature.hpp"

namespace aios::python {

// Must run once, while the module is being imported.
void importNumpy();

// An array that a view borrows from; keeps the array alive.
struct BorrowedArray {
  nanobind::object array;
  TensorView view;
  std::vector<StringRef> strings;  // what the view of a string tensor points to
};

// Takes a NumPy array, or anything on the CPU with DLPack or the buffer protocol, without copying.
// With `copy`, another dtype, byte order or layout is converted (NumPy's "same_kind" casts);
// without it, it is InvalidArgument. Shapes are checked later, with the signature.
BorrowedArray borrowInput(nanobind::handle value, const TensorSpec& spec, bool copy);

// The view of an object that borrowInput() would take as it is: an exact NumPy array, contiguous,
// of the spec's dtype; nothing for any other object. Owns nothing, throws nothing.
std::optional<TensorView> viewPlainArray(PyObject* value, DType dtype) noexcept;

// A writable, C-contiguous NumPy array of the right dtype; anything else is InvalidArgument.
BorrowedArray borrowOutput(nanobind::handle value, const TensorSpec& spec);

// A new array that owns its memory; its elements are undefined.
BorrowedArray newArray(DType dtype, Span<const int64_t> shape);

// An array that newArray() made, kept to be handed out again.
class KeptArray {
 public:
  KeptArray() = default;
  explicit KeptArray(const BorrowedArray& made);

  // Whether only this object refers to the array, and it is as it was made: NumPy lets its dtype,
  // shape, strides and flags be set in place.
  bool isFree() const noexcept;
  bool fits(DType dtype, Span<const int64_t> shape) const noexcept;
  const nanobind::object& array() const noexcept { return array_; }
  // Gives the array away.
  nanobind::object release() noexcept { return std::move(array_); }
  const TensorView& view() const noexcept { return view_; }

 private:
  nanobind::object array_;
  TensorView view_;
  void* dtype_ = nullptr;  // NumPy's own object
  int flags_ = 0;
};

// A new array with the tensor's elements; strings become Python bytes in an object array.
nanobind::object copiedArray(const Tensor& tensor);

}  // namespace aios::python
