// Plain loops and packers that the kernels are compared with. Slow on purpose, double inside.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <memory>
#include <random>
#include <vector>

#include "aios/kernels/epilogue.hpp"
#include "aios/kernels/tile.hpp"

namespace aios::kernels::testing {

// A float buffer whose end is the end of its heap block, so that AddressSanitizer sees any overrun,
// and whose start is aligned for packed weights.
class Buffer {
 public:
  explicit Buffer(std::size_t size, float fill = 0.0f)
      : size_(size), memory_(static_cast<float*>(std::aligned_alloc(64, bytes(size))), &std::free) {
    for (std::size_t i = 0; i < bytes(size) / sizeof(float); ++i) memory_.get()[i] = fill;
  }
  float* data() { return memory_.get(); }
  const float* data() const { return memory_.get(); }
  std::size_t size() const { return size_; }
  float& operator[](std::size_t i) { return memory_.get()[i]; }
  float operator[](std::size_t i) const { return memory_.get()[i]; }

 private:
  static std::size_t bytes(std::size_t size) { return (size * sizeof(float) + 63) / 64 * 64; }
  std::size_t size_;
  std::unique_ptr<float, decltype(&std::free)> memory_;
};

inline std::mt19937& generator() {
  static std::mt19937 engine(20240229);
  return engine;
}

inline std::vector<float> randomValues(std::size_t size, float low = -1.0f, float high = 1.0f) {
  std::uniform_real_distribution<float> uniform(low, high);
  std::vector<float> values(size);
  for (float& value : values) value = uniform(generator());
  return values;
}

// Mirrors packing.pack_panels: matrix is [K, N].
inline Buffer packPanels(const std::vector<float>& matrix, const std::vector<float>& bias, int k,
                         int n) {
  Buffer packed(packedFloats(k, n));
  std::size_t at = 0;
  for (int column = 0; column < n; column += kPanelVectors * kLanes) {
    const int left = padToLanes(n) - column;
    const int width = left < kPanelVectors * kLanes ? left : kPanelVectors * kLanes;
    for (int row = -1; row < k; ++row) {
      for (int i = column; i < column + width; ++i)
        packed[at++] = i >= n    ? 0.0f
                       : row < 0 ? (bias.empty() ? 0.0f : bias[i])
                                 : matrix[row * n + i];
    }
  }
  return packed;
}

// What `dense` gives: x is [M, K], w [K, N], residual [M, N].
template <int M, int K, int N, class Epilogue, Residual kResidual>
std::vector<double> denseAnswer(const std::vector<float>& x, const std::vector<float>& w,
                                const std::vector<float>& bias,
                                const std::vector<float>& residual) {
  std::vector<double> answer(M * N);
  for (int m = 0; m < M; ++m) {
    for (int n = 0; n < N; ++n) {
      double sum = bias[n];
      for (int k = 0; k < K; ++k) sum += static_cast<double>(x[m * K + k]) * w[k * N + n];
      if (kResidual == Residual::kBeforeActivation) sum += residual[m * N + n];
      sum = Epilogue::apply(splat(static_cast<float>(sum)))[0];
      if (kResidual == Residual::kAfterActivation) sum += residual[m * N + n];
      answer[m * N + n] = sum;
    }
  }
  return answer;
}

inline void expectClose(const float* actual, const std::vector<double>& expected,
                        double tolerance = 1e-5) {
  double largest = 1.0;
  for (double value : expected) {
    if (std::isfinite(value)) largest = std::fmax(largest, std::fabs(value));
  }
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (std::isnan(expected[i])) {
      ASSERT_TRUE(std::isnan(actual[i])) << "element " << i;
    } else {
      ASSERT_NEAR(actual[i], expected[i], tolerance * largest) << "element " << i;
    }
  }
}

}  // namespace aios::kernels::testing
