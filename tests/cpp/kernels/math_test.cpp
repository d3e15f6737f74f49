#include "aios/kernels/math.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "aios/kernels/epilogue.hpp"

namespace aios::kernels {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kDenormal = 1e-40f;

using Function = Vec (*)(Vec);

float apply(Function function, float x) { return function(splat(x))[kLanes - 1]; }

// Sweeps [low, high] densely and returns the largest of min(absolute, relative) error.
template <class Exact>
double largestError(Function function, Exact exact, double low, double high) {
  constexpr int kSteps = 200000;
  double largest = 0.0;
  for (int i = 0; i <= kSteps; ++i) {
    const float x = static_cast<float>(low + (high - low) * i / kSteps);
    const double expected = exact(static_cast<double>(x));
    const double error = std::fabs(apply(function, x) - expected);
    const double scaled = error / std::fmax(1.0, std::fabs(expected));
    if (!(scaled <= largest)) largest = scaled;
  }
  return largest;
}

double exactGelu(double x) { return 0.5 * x * (1.0 + std::erf(x / std::sqrt(2.0))); }
double exactGeluTanh(double x) {
  return 0.5 * x * (1.0 + std::tanh(std::sqrt(2.0 / M_PI) * (x + 0.044715 * x * x * x)));
}
double exactSigmoid(double x) { return 1.0 / (1.0 + std::exp(-x)); }
double exactSoftplus(double x) { return std::fmax(x, 0.0) + std::log1p(std::exp(-std::fabs(x))); }
double exactElu(double x) { return x < 0.0 ? std::expm1(x) : x; }

TEST(Math, IsWithinTwoMillionthsOfDoubleOnDenseSweeps) {
  EXPECT_LE(largestError(exp, [](double x) { return std::exp(x); }, -100.0, 88.0), 2e-6);
  EXPECT_LE(largestError(expm1, [](double x) { return std::expm1(x); }, -100.0, 88.0), 2e-6);
  EXPECT_LE(largestError(log, [](double x) { return std::log(x); }, 1e-6, 1000.0), 2e-6);
  EXPECT_LE(largestError(tanh, [](double x) { return std::tanh(x); }, -100.0, 100.0), 2e-6);
  EXPECT_LE(largestError(tanh, [](double x) { return std::tanh(x); }, -10.0, 10.0), 2e-6);
  EXPECT_LE(largestError(erf, [](double x) { return std::erf(x); }, -6.0, 6.0), 2e-6);
  EXPECT_LE(largestError(sigmoid, exactSigmoid, -100.0, 100.0), 2e-6);
  EXPECT_LE(largestError(sigmoidGate, exactSigmoid, -100.0, 100.0), 2e-6);
  EXPECT_LE(largestError(softplus, exactSoftplus, -100.0, 100.0), 2e-6);
  EXPECT_LE(largestError(Elu::apply, exactElu, -100.0, 100.0), 2e-6);
  EXPECT_LE(largestError(Gelu::apply, exactGelu, -100.0, 100.0), 2e-6);
  EXPECT_LE(largestError(Gelu::apply, exactGelu, -8.0, 8.0), 2e-6);
  EXPECT_LE(largestError(GeluTanh::apply, exactGeluTanh, -100.0, 100.0), 2e-6);
  EXPECT_LE(largestError(GeluTanh::apply, exactGeluTanh, -8.0, 8.0), 2e-6);
  const auto silu = [](double x) { return x * exactSigmoid(x); };
  EXPECT_LE(largestError(Silu::apply, silu, -100.0, 100.0), 2e-6);
  EXPECT_LE(largestError(sqrt, [](double x) { return std::sqrt(x); }, 0.0, 1e6), 2e-6);
}

TEST(Math, KeepsRelativeAccuracyWhereResultsAreTiny) {
  for (float x = -80.0f; x < 0.0f; x += 0.37f) {
    EXPECT_NEAR(apply(exp, x) / std::exp(static_cast<double>(x)), 1.0, 2e-6) << x;
    EXPECT_NEAR(apply(sigmoid, x) / exactSigmoid(x), 1.0, 2e-6) << x;
  }
  for (float x = 1e-30f; x < 1.0f; x *= 3.1f) {
    EXPECT_NEAR(apply(tanh, x) / std::tanh(static_cast<double>(x)), 1.0, 2e-6) << x;
    EXPECT_NEAR(apply(erf, x) / std::erf(static_cast<double>(x)), 1.0, 2e-6) << x;
    EXPECT_NEAR(apply(expm1, x) / std::expm1(static_cast<double>(x)), 1.0, 2e-6) << x;
    EXPECT_NEAR(apply(log, x) / std::log(static_cast<double>(x)), 1.0, 2e-6) << x;
  }
}

TEST(Math, GivesLimitsAtInfinity) {
  EXPECT_EQ(apply(exp, kInfinity), kInfinity);
  EXPECT_EQ(apply(exp, -kInfinity), 0.0f);
  EXPECT_EQ(apply(exp, 100.0f), kInfinity);
  EXPECT_EQ(apply(expm1, kInfinity), kInfinity);
  EXPECT_EQ(apply(expm1, -kInfinity), -1.0f);
  EXPECT_EQ(apply(log, kInfinity), kInfinity);
  EXPECT_EQ(apply(log, 0.0f), -kInfinity);
  EXPECT_TRUE(std::isnan(apply(log, -1.0f)));
  EXPECT_NEAR(apply(tanh, kInfinity), 1.0f, 1e-6f);
  EXPECT_NEAR(apply(tanh, -kInfinity), -1.0f, 1e-6f);
  EXPECT_EQ(apply(erf, kInfinity), 1.0f);
  EXPECT_EQ(apply(erf, -kInfinity), -1.0f);
  EXPECT_EQ(apply(sigmoid, kInfinity), 1.0f);
  EXPECT_EQ(apply(sigmoid, -kInfinity), 0.0f);
  EXPECT_EQ(apply(softplus, kInfinity), kInfinity);
  EXPECT_EQ(apply(softplus, -kInfinity), 0.0f);
  EXPECT_EQ(apply(Relu::apply, kInfinity), kInfinity);
  EXPECT_EQ(apply(Relu6::apply, kInfinity), 6.0f);
  EXPECT_EQ(apply(Elu::apply, -kInfinity), -1.0f);
  EXPECT_EQ(apply(Gelu::apply, kInfinity), kInfinity);
}

TEST(Math, PropagatesNan) {
  const Function functions[] = {exp,
                                expm1,
                                log,
                                tanh,
                                erf,
                                sigmoid,
                                sigmoidGate,
                                softplus,
                                Relu::apply,
                                Relu6::apply,
                                Silu::apply,
                                Elu::apply,
                                Gelu::apply,
                                GeluTanh::apply,
                                HardSwish::apply,
                                HardSigmoid::apply};
  for (Function function : functions) EXPECT_TRUE(std::isnan(apply(function, kNan)));
}

TEST(Math, AcceptsDenormals) {
  EXPECT_EQ(apply(exp, kDenormal), 1.0f);
  EXPECT_NEAR(apply(log, kDenormal), std::log(static_cast<double>(kDenormal)), 1e-4);
  EXPECT_NEAR(apply(tanh, kDenormal), kDenormal, 1e-42f);
  EXPECT_EQ(apply(sigmoid, kDenormal), 0.5f);
  EXPECT_NEAR(apply(exp, -100.0f), std::exp(-100.0), 1.5e-45);
}

}  // namespace
}  // namespace aios::kernels
