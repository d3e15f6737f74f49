// The functions of elementwise expressions, on vectors of float32 and on single elements of any
// type.
//
// Emitted expressions call them as op::name. On vectors a truth value is a mask (IVec).
#pragma once

#include <cmath>
#include <cstdint>
#include <type_traits>

#include "aios/kernels/epilogue.hpp"
#include "aios/kernels/half.hpp"
#include "aios/kernels/integer_functions.hpp"
#include "aios/kernels/math.hpp"
#include "aios/kernels/vec.hpp"

namespace aios::kernels::op {

AIOS_KERNEL Vec abs(Vec x) { return kernels::abs(x); }
AIOS_KERNEL Vec elu(Vec x) { return Elu::apply(x); }
AIOS_KERNEL Vec erf(Vec x) { return kernels::erf(x); }
AIOS_KERNEL Vec exp(Vec x) { return kernels::exp(x); }
AIOS_KERNEL Vec expm1(Vec x) { return kernels::expm1(x); }
AIOS_KERNEL Vec gelu(Vec x) { return Gelu::apply(x); }
AIOS_KERNEL Vec geluTanh(Vec x) { return GeluTanh::apply(x); }
AIOS_KERNEL Vec hardSwish(Vec x) { return HardSwish::apply(x); }
AIOS_KERNEL Vec log(Vec x) { return kernels::log(x); }
AIOS_KERNEL Vec max(Vec a, Vec b) { return kernels::max(a, b); }
AIOS_KERNEL Vec min(Vec a, Vec b) { return kernels::min(a, b); }
AIOS_KERNEL Vec relu(Vec x) { return Relu::apply(x); }
AIOS_KERNEL Vec rsqrt(Vec x) { return splat(1.0f) / kernels::sqrt(x); }
AIOS_KERNEL Vec select(IVec mask, Vec a, Vec b) { return kernels::select(mask, a, b); }
AIOS_KERNEL Vec sigmoid(Vec x) { return kernels::sigmoid(x); }
AIOS_KERNEL Vec silu(Vec x) { return Silu::apply(x); }
AIOS_KERNEL Vec softplus(Vec x) { return kernels::softplus(x); }
AIOS_KERNEL Vec sqrt(Vec x) { return kernels::sqrt(x); }
AIOS_KERNEL Vec square(Vec x) { return x * x; }
AIOS_KERNEL Vec tanh(Vec x) { return kernels::tanh(x); }
AIOS_KERNEL Vec leakyRelu(Vec x, Vec slope) { return select(x < Vec{}, x * slope, x); }
AIOS_KERNEL Vec sign(Vec x) {
  return select(x > Vec{}, splat(1.0f), select(x < Vec{}, splat(-1.0f), Vec{}));
}
// To the nearest integer, halves to the even one. Beyond 2^23 every float is an integer.
AIOS_KERNEL Vec roundHalfEven(Vec x) {
  const Vec magic = splat(8388608.0f);
  const Vec magnitude = kernels::abs(x);
  const Vec rounded = (magnitude + magic) - magic;
  return copySign(select(magnitude < magic, rounded, magnitude), x);
}
AIOS_KERNEL Vec floor(Vec x) {
  const Vec near = roundHalfEven(x);
  return near - select(near > x, splat(1.0f), Vec{});
}
AIOS_KERNEL Vec ceil(Vec x) {
  const Vec near = roundHalfEven(x);
  return near + select(near < x, splat(1.0f), Vec{});
}

// Functions of the C library, for single elements.
template <class T>
AIOS_KERNEL T acos(T x) {
  return std::acos(x);
}
template <class T>
AIOS_KERNEL T acosh(T x) {
  return std::acosh(x);
}
template <class T>
AIOS_KERNEL T asin(T x) {
  return std::asin(x);
}
template <class T>
AIOS_KERNEL T asinh(T x) {
  return std::asinh(x);
}
template <class T>
AIOS_KERNEL T atan(T x) {
  return std::atan(x);
}
template <class T>
AIOS_KERNEL T atanh(T x) {
  return std::atanh(x);
}
template <class T>
AIOS_KERNEL T cosh(T x) {
  return std::cosh(x);
}
template <class T>
AIOS_KERNEL T erfc(T x) {
  return std::erfc(x);
}
template <class T>
AIOS_KERNEL T log1p(T x) {
  return std::log1p(x);
}
template <class T>
AIOS_KERNEL T sinh(T x) {
  return std::sinh(x);
}
template <class T>
AIOS_KERNEL T tan(T x) {
  return std::tan(x);
}
template <class T>
AIOS_KERNEL T lgamma(T x) {
  int sign = 0;
  if constexpr (std::is_same_v<T, float>) {
    return ::lgammaf_r(x, &sign);
  } else {
    return ::lgamma_r(x, &sign);
  }
}
template <class T>
AIOS_KERNEL T atan2(T y, T x) {
  return std::atan2(y, x);
}
template <class T>
AIOS_KERNEL T ceil(T x) {
  return std::ceil(x);
}
template <class T>
AIOS_KERNEL T cos(T x) {
  return std::cos(x);
}
template <class T>
AIOS_KERNEL T elu(T x) {
  return x < T{0} ? std::expm1(x) : x;
}
template <class T>
AIOS_KERNEL T erf(T x) {
  return std::erf(x);
}
template <class T>
AIOS_KERNEL T exp(T x) {
  return std::exp(x);
}
template <class T>
AIOS_KERNEL T expm1(T x) {
  return std::expm1(x);
}
template <class T>
AIOS_KERNEL T floor(T x) {
  return std::floor(x);
}
template <class T>
AIOS_KERNEL T gelu(T x) {
  return T(0.5) * x * (T(1) + std::erf(x * T(0.70710678118654752)));
}
template <class T>
AIOS_KERNEL T geluTanh(T x) {
  return T(0.5) * x * (T(1) + std::tanh(x * (x * x * T(0.0356774081363) + T(0.7978845608029))));
}
template <class T>
AIOS_KERNEL T leakyRelu(T x, T slope) {
  return x < T{0} ? x * slope : x;
}
template <class T>
AIOS_KERNEL T log(T x) {
  return std::log(x);
}
template <class T>
AIOS_KERNEL T max(T a, T b) {
  return a > b ? a : b;
}
template <class T>
AIOS_KERNEL T min(T a, T b) {
  return a < b ? a : b;
}
template <class T>
AIOS_KERNEL T hardSwish(T x) {
  return x * min(T(6), max(T(0), x + T(3))) / T(6);
}
template <class T>
AIOS_KERNEL T pow(T x, T y) {
  if constexpr (std::is_integral_v<T>) {
    return integerPower(x, y);
  } else {
    return std::pow(x, y);
  }
}
template <class T>
AIOS_KERNEL T relu(T x) {
  return x < T{0} ? T{0} : x;
}
template <class T>
AIOS_KERNEL T roundHalfEven(T x) {
  return std::nearbyint(x);
}
template <class T>
AIOS_KERNEL T rsqrt(T x) {
  return T(1) / std::sqrt(x);
}
template <class T>
AIOS_KERNEL T select(bool condition, T a, T b) {
  return condition ? a : b;
}
template <class T>
AIOS_KERNEL T sigmoid(T x) {
  return T(1) / (T(1) + std::exp(-x));
}
template <class T>
AIOS_KERNEL T sign(T x) {
  return static_cast<T>((x > T{0}) - (x < T{0}));
}
template <class T>
AIOS_KERNEL T silu(T x) {
  return x / (T(1) + std::exp(-x));
}
template <class T>
AIOS_KERNEL T sin(T x) {
  return std::sin(x);
}
template <class T>
AIOS_KERNEL T softplus(T x) {
  return max(T{0}, x) + std::log1p(std::exp(-abs(x)));
}
template <class T>
AIOS_KERNEL T sqrt(T x) {
  return std::sqrt(x);
}
template <class T>
AIOS_KERNEL T tanh(T x) {
  return std::tanh(x);
}

// Rounds towards minus infinity; an integer divided by zero gives 0.
template <class T>
AIOS_KERNEL T floorDiv(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    return integerFloorDiv(a, b);
  } else {
    return std::floor(a / b);
  }
}
// The remainder that goes with floorDiv: it has the sign of b.
template <class T>
AIOS_KERNEL T floorMod(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    return integerFloorMod(a, b);
  } else {
    const T rest = std::fmod(a, b);
    return rest != T{0} && ((rest < T{0}) != (b < T{0})) ? rest + b : rest;
  }
}
// Division as TensorFlow has it; an integer divided by zero gives 0.
template <class T>
AIOS_KERNEL T divide(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    return integerDivide(a, b);
  } else {
    return a / b;
  }
}
// Division and remainder that round towards zero.
template <class T>
AIOS_KERNEL T truncateDiv(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    return integerDivide(a, b);
  } else {
    return std::trunc(a / b);
  }
}
template <class T>
AIOS_KERNEL T truncateMod(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    return sub(a, mul(integerDivide(a, b), b));
  } else {
    return std::fmod(a, b);
  }
}
AIOS_KERNEL Vec divide(Vec a, Vec b) { return a / b; }

}  // namespace aios::kernels::op
