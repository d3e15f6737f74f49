// Arithmetic of integers in elementwise expressions: it wraps around, as TensorFlow's does.
//
// The functions take floating-point elements, too, for expressions whose type isn't known.
#pragma once

#include <cstdint>
#include <type_traits>

#include "aios/kernels/vec.hpp"

namespace aios::kernels::op {

namespace detail {
// Computes in unsigned numbers of at least the width of int, which wrap around by definition.
template <class T>
using Wrapping = std::common_type_t<std::make_unsigned_t<T>, unsigned>;
}  // namespace detail

template <class T>
AIOS_KERNEL T add(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    using U = detail::Wrapping<T>;
    return static_cast<T>(static_cast<U>(a) + static_cast<U>(b));
  } else {
    return a + b;
  }
}
template <class T>
AIOS_KERNEL T sub(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    using U = detail::Wrapping<T>;
    return static_cast<T>(static_cast<U>(a) - static_cast<U>(b));
  } else {
    return a - b;
  }
}
template <class T>
AIOS_KERNEL T mul(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    using U = detail::Wrapping<T>;
    return static_cast<T>(static_cast<U>(a) * static_cast<U>(b));
  } else {
    return a * b;
  }
}
template <class T>
AIOS_KERNEL T neg(T x) {
  if constexpr (std::is_integral_v<T>) {
    return sub(T{0}, x);
  } else {
    return -x;
  }
}
template <class T>
AIOS_KERNEL T abs(T x) {
  return x < T{0} ? neg(x) : x;
}
template <class T>
AIOS_KERNEL T square(T x) {
  return mul(x, x);
}

// Of a negative power only 1 and -1 have an integer.
template <class T>
AIOS_KERNEL T integerPower(T x, T y) {
  if (y < T{0}) {
    if (x == T{1}) return x;
    return std::is_signed_v<T> && x == static_cast<T>(-1) ? ((y & 1) != 0 ? x : T{1}) : T{0};
  }
  T result = 1;
  for (T square_of = x; y > 0; y = static_cast<T>(y >> 1)) {
    if ((y & 1) != 0) result = mul(result, square_of);
    square_of = mul(square_of, square_of);
  }
  return result;
}

// Rounds towards minus infinity; an integer divided by zero gives 0.
template <class T>
AIOS_KERNEL T integerFloorDiv(T a, T b) {
  if (b == T{0}) return T{0};
  if (std::is_signed_v<T> && b == static_cast<T>(-1)) return neg(a);
  const T quotient = static_cast<T>(a / b);
  return static_cast<T>(quotient - ((a % b != 0) && ((a < T{0}) != (b < T{0}))));
}
// The remainder that goes with it: it has the sign of b.
template <class T>
AIOS_KERNEL T integerFloorMod(T a, T b) {
  if (b == T{0} || (std::is_signed_v<T> && b == static_cast<T>(-1))) return T{0};
  const T rest = static_cast<T>(a % b);
  return static_cast<T>(rest != 0 && ((rest < T{0}) != (b < T{0})) ? rest + b : rest);
}
// Rounds towards zero.
template <class T>
AIOS_KERNEL T integerDivide(T a, T b) {
  if (b == T{0}) return T{0};
  if (std::is_signed_v<T> && b == static_cast<T>(-1)) return neg(a);
  return static_cast<T>(a / b);
}

template <class T>
AIOS_KERNEL T bitAnd(T a, T b) {
  return static_cast<T>(a & b);
}
template <class T>
AIOS_KERNEL T bitOr(T a, T b) {
  return static_cast<T>(a | b);
}
template <class T>
AIOS_KERNEL T bitXor(T a, T b) {
  return static_cast<T>(a ^ b);
}
template <class T>
AIOS_KERNEL T bitNot(T x) {
  return static_cast<T>(~x);
}

namespace detail {
// A shift by the width or more counts as the width less one, one by less than 0 as none.
template <class T>
AIOS_KERNEL int shift(T by) {
  constexpr int kLast = 8 * static_cast<int>(sizeof(T)) - 1;
  return by < T{0} ? 0 : (by > static_cast<T>(kLast) ? kLast : static_cast<int>(by));
}
}  // namespace detail
template <class T>
AIOS_KERNEL T rightShift(T x, T by) {
  return static_cast<T>(x >> detail::shift(by));
}
template <class T>
AIOS_KERNEL T leftShift(T x, T by) {
  return static_cast<T>(static_cast<detail::Wrapping<T>>(x) << detail::shift(by));
}

}  // namespace aios::kernels::op
