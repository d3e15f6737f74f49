#include "core/floats.hpp"

#include <cmath>
#include <cstring>
#include <limits>

namespace aios {
namespace {

// IEEE 754 binary16, by its definition: sign, 5 exponent bits, 10 fraction bits.
double halfToDouble(uint16_t bits) {
  const int exponent = (bits >> 10) & 31;
  const int fraction = bits & 1023;
  const double sign = (bits & 0x8000) != 0 ? -1.0 : 1.0;
  if (exponent == 31) {
    return fraction != 0 ? std::numeric_limits<double>::quiet_NaN()
                         : sign * std::numeric_limits<double>::infinity();
  }
  if (exponent == 0) return sign * std::ldexp(fraction, -24);
  return sign * std::ldexp(1024 + fraction, exponent - 25);
}

// The upper half of a float32's bits.
double bfloat16ToDouble(uint16_t bits) {
  const uint32_t whole = uint32_t{bits} << 16;
  float value = 0;
  std::memcpy(&value, &whole, sizeof value);
  return value;
}

template <typename T>
T load(const TensorView& view, std::size_t index) {
  T value;
  std::memcpy(&value, static_cast<const char*>(view.bytesData()) + index * sizeof value,
              sizeof value);
  return value;
}

}  // namespace

bool isFloat(DType dtype) noexcept {
  return dtype == DType::kFloat16 || dtype == DType::kFloat32 || dtype == DType::kFloat64 ||
         dtype == DType::kBFloat16;
}

double floatAt(const TensorView& tensor, std::size_t index) noexcept {
  if (tensor.dtype() == DType::kFloat32) return load<float>(tensor, index);
  if (tensor.dtype() == DType::kFloat64) return load<double>(tensor, index);
  const auto bits = load<uint16_t>(tensor, index);
  return tensor.dtype() == DType::kBFloat16 ? bfloat16ToDouble(bits) : halfToDouble(bits);
}

}  // namespace aios
