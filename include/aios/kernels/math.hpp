// Elementary functions on vectors, as minimax polynomials and rationals fitted for float32.
//
// Error against double over the whole range: at most 2e-6 relative where the result is normal and
// the function is not crossing zero, 2e-6 absolute elsewhere (tests/cpp/kernels/math_test.cpp
// sweeps them). Infinities give limits, denormals give themselves or zero, NaN gives NaN.
#pragma once

#include "aios/kernels/vec.hpp"

namespace aios::kernels {

namespace detail {
// c0 + c1 x + c2 x^2 + …, by Horner.
template <class... C>
AIOS_KERNEL Vec polynomial(Vec x, float c0, C... higher) {
  if constexpr (sizeof...(higher) == 0) {
    return splat(c0);
  } else {
    return polynomial(x, higher...) * x + splat(c0);
  }
}

// c0 + … + c4 x^4 with a shorter chain: x2 is x * x.
AIOS_KERNEL Vec shortPolynomial(Vec x, Vec x2, float c0, float c1, float c2, float c3, float c4) {
  const Vec high = x2 * splat(c4) + (x * splat(c3) + splat(c2));
  return x2 * high + (x * splat(c1) + splat(c0));
}

// v * 2^n for integral n in [-160, 160], right into infinity and the denormals.
AIOS_KERNEL Vec scaleByPowerOfTwo(Vec v, Vec n) {
#if defined(__AVX512F__)
  return (Vec)__builtin_ia32_scalefps512_mask(v, n, Vec{}, (std::uint16_t)-1, 4);
#else
  const IVec whole = toInt(n);
  const IVec half = whole >> 1;
  const Vec first = fromBits((half + splatInt(127)) << 23);
  const Vec second = fromBits((whole - half + splatInt(127)) << 23);
  return v * first * second;
#endif
}

// x = n ln2 + r with |r| <= ln2 / 2; `x` already inside +-1000.
struct Reduced {
  Vec n, r;
};
AIOS_KERNEL Reduced reduceByLn2(Vec x) {
  const Vec magic = splat(12582912.0f);  // 1.5 * 2^23: adding it rounds to an integer
  const Vec n = (x * splat(1.44269504f) + magic) - magic;
  const Vec r = x - n * splat(0.693145752f);
  return {n, r - n * splat(1.42860677e-6f)};
}

// e^r - 1 - r = r^2 q(r) for |r| <= ln2 / 2.
AIOS_KERNEL Vec expTail(Vec r) {
  return detail::polynomial(r, 0.49999112f, 0.1666645f, 0.04190297f, 0.008375345f);
}
}  // namespace detail

AIOS_KERNEL Vec exp(Vec x) {
  const Vec bounded = min(splat(90.0f), max(splat(-105.0f), x));
  const auto [n, r] = detail::reduceByLn2(bounded);
  const Vec p = detail::expTail(r) * (r * r) + r;
  return detail::scaleByPowerOfTwo(p + splat(1.0f), n);
}

// e^x - 1, accurate near zero.
AIOS_KERNEL Vec expm1(Vec x) {
  const Vec bounded = min(splat(90.0f), max(splat(-105.0f), x));
  const auto [n, r] = detail::reduceByLn2(bounded);
  const Vec p = detail::expTail(r) * (r * r) + r;
  const Vec scale = detail::scaleByPowerOfTwo(splat(1.0f), n);
  const Vec result = p * scale + (scale - splat(1.0f));
  return select(n > splat(127.0f), scale, result);
}

// Natural logarithm; -inf at 0, NaN below.
AIOS_KERNEL Vec log(Vec x) {
  const IVec denormal = x < splat(1.17549435e-38f);
  const Vec scaled = select(denormal, x * splat(8388608.0f), x);
  // The mantissa in [sqrt(1/2), sqrt(2)).
  const IVec offset = bits(scaled) - splatInt(0x3f3504f3);
  const IVec exponent = offset >> 23;
  const Vec f = fromBits((offset & splatInt(0x007fffff)) + splatInt(0x3f3504f3)) - splat(1.0f);
  const Vec tail = detail::polynomial(f, 0.33333859f, -0.25001746f, 0.19965397f, -0.16565634f,
                                      0.14876986f, -0.1435020f, 0.08917791f);
  const Vec e = toFloat(exponent) - select(denormal, splat(23.0f), splat(0.0f));
  const Vec f2 = f * f;
  const Vec small = f2 * f * tail + (e * splat(1.42860677e-6f) - splat(0.5f) * f2);
  const Vec finite = e * splat(0.693145752f) + (f + small);
  const Vec infinity = splat(__builtin_inff());
  const Vec upper = select(x == infinity, infinity, finite);
  const Vec positive = select(x == splat(0.0f), -infinity, upper);
  return select((x >= splat(0.0f)) | (x == splat(0.0f)), positive, splat(__builtin_nanf("")));
}

// log(1 + x) for x in [0, 1].
AIOS_KERNEL Vec log1pUnit(Vec x) {
  const Vec p = detail::polynomial(x, 1.0f, 1.066218f, 0.23815727f, 0.003417274f);
  const Vec q = detail::polynomial(x, 1.0f, 1.5662179f, 0.68793583f, 0.07528719f);
  return x * p / q;
}

AIOS_KERNEL Vec tanh(Vec x) {
  const Vec bounded = min(splat(9.1f), max(splat(-9.1f), x));
  const Vec t = bounded * bounded;
  const Vec t2 = t * t;
  const Vec p = detail::shortPolynomial(t, t2, 1.0f, 0.13374478f, 0.0034878138f, 2.0481189e-05f,
                                        1.3177462e-08f);
  const Vec q = detail::shortPolynomial(t, t2, 1.0f, 0.46707791f, 0.025847401f, 0.00032729228f,
                                        7.704035e-07f);
  return bounded * p / q;
}

// Keeps its relative accuracy for very negative x.
AIOS_KERNEL Vec sigmoid(Vec x) { return splat(1.0f) / (splat(1.0f) + exp(-x)); }

// Absolute accuracy only, in half the time: for the gates of recurrent cells.
AIOS_KERNEL Vec sigmoidGate(Vec x) { return tanh(x * splat(0.5f)) * splat(0.5f) + splat(0.5f); }

AIOS_KERNEL Vec erf(Vec x) {
  const Vec bounded = min(splat(4.0f), max(splat(-4.0f), x));
  const Vec t = bounded * bounded;
  const Vec p = detail::polynomial(t, 1.1283791f, 0.19348261f, 0.053093083f, 0.003880504f,
                                   0.00028447458f, 1.9869369e-06f);
  const Vec q = detail::polynomial(t, 1.0f, 0.50480211f, 0.11532379f, 0.01520166f, 0.0011848268f,
                                   3.741692e-05f);
  return select(abs(x) > splat(4.0f), copySign(splat(1.0f), x), bounded * p / q);
}

// x/2 (1 + erf(x / sqrt 2)) = x (1/2 + x p(x²) / q(x²)), fitted on |x| <= 5.3; zero below, where
// it is under 3e-7.
AIOS_KERNEL Vec gelu(Vec x) {
  const Vec bounded = min(splat(5.3f), max(splat(-5.3f), x));
  const Vec t = bounded * bounded;
  const Vec p =
      detail::polynomial(t, 0.39894125f, 0.053601075f, 0.0058052898f, 0.0003594002f, 6.592841e-06f);
  const Vec q = detail::polynomial(t, 1.0f, 0.30101246f, 0.039739493f, 0.0029605117f,
                                   0.00012939442f, 5.547207e-07f);
  const Vec value = x * (bounded * p / q + splat(0.5f));
  return select(x < splat(-5.3f), splat(0.0f), value);
}

// log(1 + e^x).
AIOS_KERNEL Vec softplus(Vec x) { return max(splat(0.0f), x) + log1pUnit(exp(-abs(x))); }

}  // namespace aios::kernels
