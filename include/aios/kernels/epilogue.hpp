// What happens to a result while it is still in a register: activations, and a fused residual add.
//
// An activation is any type with `static Vec apply(Vec)`. Kernels that write a tensor take one as a
// template parameter, and apply it after the bias. Parameters of an activation are given as the
// bits of a float, because C++17 has no float template parameters: LeakyRelu<floatBits(0.2f)>.
#pragma once

#include "aios/kernels/math.hpp"
#include "aios/kernels/vec.hpp"

namespace aios::kernels {

constexpr std::uint32_t floatBits(float x) { return __builtin_bit_cast(std::uint32_t, x); }
constexpr float floatFromBits(std::uint32_t b) { return __builtin_bit_cast(float, b); }

struct Identity {
  static AIOS_KERNEL Vec apply(Vec x) { return x; }
};
struct Relu {
  static AIOS_KERNEL Vec apply(Vec x) { return max(splat(0.0f), x); }
};
// min(max(x, Low), High): TFLite's RELU6 and RELU_N1_TO_1.
template <std::uint32_t Low, std::uint32_t High>
struct Clamp {
  static AIOS_KERNEL Vec apply(Vec x) {
    return min(splat(floatFromBits(High)), max(splat(floatFromBits(Low)), x));
  }
};
using Relu6 = Clamp<floatBits(0.0f), floatBits(6.0f)>;
using ReluN1To1 = Clamp<floatBits(-1.0f), floatBits(1.0f)>;
using Relu0To1 = Clamp<floatBits(0.0f), floatBits(1.0f)>;

template <std::uint32_t Alpha>
struct LeakyRelu {
  static AIOS_KERNEL Vec apply(Vec x) {
    return select(x < splat(0.0f), x * splat(floatFromBits(Alpha)), x);
  }
};
struct Sigmoid {
  static AIOS_KERNEL Vec apply(Vec x) { return sigmoid(x); }
};
struct SigmoidGate {
  static AIOS_KERNEL Vec apply(Vec x) { return sigmoidGate(x); }
};
// Sigmoid(2x): gates whose weights were halved when they were packed, which is exact and saves a
// step.
struct HalvedSigmoid {
  static AIOS_KERNEL Vec apply(Vec x) { return tanh(x) * splat(0.5f) + splat(0.5f); }
};
struct HardSigmoid {
  static AIOS_KERNEL Vec apply(Vec x) {
    return min(splat(1.0f), max(splat(0.0f), x * splat(1.0f / 6.0f) + splat(0.5f)));
  }
};
struct Tanh {
  static AIOS_KERNEL Vec apply(Vec x) { return tanh(x); }
};
struct Exp {
  static AIOS_KERNEL Vec apply(Vec x) { return exp(x); }
};
struct Softplus {
  static AIOS_KERNEL Vec apply(Vec x) { return softplus(x); }
};
struct Silu {
  static AIOS_KERNEL Vec apply(Vec x) { return x / (splat(1.0f) + exp(-x)); }
};
struct HardSwish {
  static AIOS_KERNEL Vec apply(Vec x) {
    const Vec bounded = min(splat(6.0f), max(splat(0.0f), x + splat(3.0f)));
    return x * bounded * splat(1.0f / 6.0f);
  }
};
struct Elu {
  static AIOS_KERNEL Vec apply(Vec x) { return select(x < splat(0.0f), expm1(x), x); }
};
// x/2 (1 + erf(x / sqrt 2)).
struct Gelu {
  static AIOS_KERNEL Vec apply(Vec x) { return gelu(x); }
};
// x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))).
struct GeluTanh {
  static AIOS_KERNEL Vec apply(Vec x) {
    const Vec inner = x * (x * x * splat(0.0356774081f) + splat(0.797884561f));
    const Vec value = splat(0.5f) * x * (splat(1.0f) + tanh(inner));
    return select(inner < splat(-9.1f), splat(0.0f), value);
  }
};
// First, then Second.
template <class First, class Second>
struct Then {
  static AIOS_KERNEL Vec apply(Vec x) { return Second::apply(First::apply(x)); }
};

// Whether x <= y implies apply(x) <= apply(y): then a maximum may be taken before the activation.
template <class Activation>
inline constexpr bool kMonotonic = false;
template <>
inline constexpr bool kMonotonic<Identity> = true;
template <>
inline constexpr bool kMonotonic<Relu> = true;
template <>
inline constexpr bool kMonotonic<Sigmoid> = true;
template <>
inline constexpr bool kMonotonic<Tanh> = true;
template <>
inline constexpr bool kMonotonic<HardSigmoid> = true;
template <>
inline constexpr bool kMonotonic<Softplus> = true;
template <>
inline constexpr bool kMonotonic<Elu> = true;
template <std::uint32_t Low, std::uint32_t High>
inline constexpr bool kMonotonic<Clamp<Low, High>> = true;
template <std::uint32_t Alpha>
inline constexpr bool kMonotonic<LeakyRelu<Alpha>> = Alpha < 0x80000000u;

// A tensor of the output's shape that is added before or after the activation.
enum class Residual { kNone, kBeforeActivation, kAfterActivation };

// The residual pointer, or, where there is none, one that address arithmetic may be done on.
template <Residual kResidual>
AIOS_KERNEL const float* residualOr(const float* residual, const float* y) {
  return kResidual == Residual::kNone ? y : residual;
}

// Writes the first N lanes of a finished vector; `residual` points at the same element of its
// tensor.
template <int N, class Epilogue, Residual kResidual>
AIOS_KERNEL void finish(Vec v, float* out, [[maybe_unused]] const float* residual) {
  if constexpr (kResidual == Residual::kBeforeActivation) v = v + loadPartial<N>(residual);
  v = Epilogue::apply(v);
  if constexpr (kResidual == Residual::kAfterActivation) v = v + loadPartial<N>(residual);
  storePartial<N>(out, v);
}

}  // namespace aios::kernels
