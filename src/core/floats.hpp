// Elements of tensors of floats, of any width.
#pragma once

#include "aios/tensor.hpp"

namespace aios {

bool isFloat(DType dtype) noexcept;

// An element of a tensor of floats, at any alignment: a file gives no promise of it.
double floatAt(const TensorView& tensor, std::size_t index) noexcept;

}  // namespace aios
