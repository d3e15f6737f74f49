// Numbers of 16 bits as they lie in memory: IEEE's half precision and bfloat16.
//
// They are only stored and loaded: arithmetic is float32's. Rounding is to the nearest, halves to
// the even one; what is too large becomes an infinity, and NaN stays NaN.
#pragma once

#include <cmath>
#include <cstdint>

#include "aios/kernels/vec.hpp"

namespace aios::kernels {

namespace detail {
AIOS_KERNEL std::uint32_t floatToBits(float x) { return __builtin_bit_cast(std::uint32_t, x); }
AIOS_KERNEL float bitsToFloat(std::uint32_t b) { return __builtin_bit_cast(float, b); }

AIOS_KERNEL std::uint16_t toHalf(float x) {
  const std::uint32_t bits = floatToBits(x), sign = bits >> 16 & 0x8000u;
  const std::uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return static_cast<std::uint16_t>(sign | 0x7e00u);
  // 65520 and more round to infinity.
  if (magnitude >= 0x477ff000u) return static_cast<std::uint16_t>(sign | 0x7c00u);
  if (magnitude < 0x38800000u) {
    // Below 2^-14: adding 0.5 leaves multiples of 2^-24 in the last bits, rounded by the addition.
    const float shifted = bitsToFloat(magnitude) + 0.5f;
    return static_cast<std::uint16_t>(sign | (floatToBits(shifted) - 0x3f000000u));
  }
  const std::uint32_t odd = magnitude >> 13 & 1u;
  return static_cast<std::uint16_t>(sign | ((magnitude - 0x38000000u + 0xfffu + odd) >> 13));
}
AIOS_KERNEL float fromHalf(std::uint16_t half) {
  const std::uint32_t sign = (half & 0x8000u) << 16, rest = half & 0x7fffu;
  if (rest >= 0x7c00u) return bitsToFloat(sign | 0x7f800000u | (rest & 0x3ffu) << 13);
  if (rest < 0x400u) {
    const float magnitude = static_cast<float>(rest) * 5.9604644775390625e-8f;  // 2^-24
    return bitsToFloat(sign | floatToBits(magnitude));
  }
  return bitsToFloat(sign | ((rest << 13) + 0x38000000u));
}

AIOS_KERNEL std::uint16_t toBFloat16(float x) {
  const std::uint32_t bits = floatToBits(x);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<std::uint16_t>(bits >> 16 | 0x40u);
  return static_cast<std::uint16_t>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}
AIOS_KERNEL float fromBFloat16(std::uint16_t x) {
  return bitsToFloat(static_cast<std::uint32_t>(x) << 16);
}
}  // namespace detail

struct Half {
  std::uint16_t bits;
  Half() = default;
  explicit Half(float x) noexcept : bits(detail::toHalf(x)) {}
  operator float() const noexcept { return detail::fromHalf(bits); }
};
struct BFloat16 {
  std::uint16_t bits;
  BFloat16() = default;
  explicit BFloat16(float x) noexcept : bits(detail::toBFloat16(x)) {}
  operator float() const noexcept { return detail::fromBFloat16(bits); }
};

namespace op {
// The nearest number of 16 bits, as a number of the same type as x.
template <class T>
AIOS_KERNEL T roundToHalf(T x) {
  return static_cast<T>(kernels::detail::fromHalf(kernels::detail::toHalf(static_cast<float>(x))));
}
template <class T>
AIOS_KERNEL T roundToBfloat16(T x) {
  return static_cast<T>(
      kernels::detail::fromBFloat16(kernels::detail::toBFloat16(static_cast<float>(x))));
}
AIOS_KERNEL Vec roundToHalf(Vec x) {
  for (int i = 0; i < kLanes; ++i) x[i] = roundToHalf(static_cast<float>(x[i]));
  return x;
}
AIOS_KERNEL Vec roundToBfloat16(Vec x) {
  const IVec odd = (bits(x) >> 16) & splatInt(1);
  const IVec rounded = (bits(x) + splatInt(0x7fff) + odd) & splatInt(~0xffff);
  return select(x == x, fromBits(rounded), x);
}
}  // namespace op

}  // namespace aios::kernels
