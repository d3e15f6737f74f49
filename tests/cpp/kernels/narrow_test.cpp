#include "aios/kernels/narrow.hpp"

#include <gtest/gtest.h>

#include "reference.hpp"

namespace aios::kernels {
namespace {

using testing::Buffer;
using testing::randomValues;

// Mirrors packing.pack_narrow: w is [K, N].
Buffer packNarrow(const std::vector<float>& w, const std::vector<float>& bias, int k, int n) {
  Buffer packed(narrowPackedFloats(k, n));
  for (int column = 0; column < n; ++column) {
    packed[column] = bias[column];
    for (int row = 0; row < k; ++row)
      packed[kLanes + column * padToLanes(k) + row] = w[row * n + column];
  }
  return packed;
}

template <int M, int K, int N, class Epilogue = Identity, Residual kResidual = Residual::kNone>
void checkNarrow() {
  SCOPED_TRACE(::testing::Message() << "M=" << M << " K=" << K << " N=" << N);
  const std::vector<float> x = randomValues(M * K), w = randomValues(K * N);
  const std::vector<float> bias = randomValues(N), residual = randomValues(M * N);
  const Buffer packed = packNarrow(w, bias, K, N);
  // Blocks of their own, so that a sanitizer sees any access past an end.
  const auto input = std::make_unique<float[]>(M * K);
  std::copy(x.begin(), x.end(), input.get());
  const auto y = std::make_unique<float[]>(M * N);
  narrow<M, K, N, Epilogue, kResidual>(input.get(), packed.data(), y.get(), residual.data());
  testing::expectClose(y.get(),
                       testing::denseAnswer<M, K, N, Epilogue, kResidual>(x, w, bias, residual));
}

TEST(Narrow, MatchesAPlainLoopForAnyDepth) {
  checkNarrow<1, 1, 1>();
  checkNarrow<1, 3, 4>();
  checkNarrow<1, 16, 2, Relu>();
  checkNarrow<1, 32, 3>();
  checkNarrow<1, 33, 1, Tanh>();
  checkNarrow<1, 129, 3>();
  checkNarrow<1, 500, 4>();
  checkNarrow<1, 1000, 1>();
}

TEST(Narrow, MatchesAPlainLoopForSeveralRows) {
  checkNarrow<2, 32, 3>();
  checkNarrow<8, 47, 4, Sigmoid>();
  checkNarrow<33, 130, 2>();
}

TEST(Narrow, AddsAResidualBeforeOrAfterTheActivation) {
  checkNarrow<3, 40, 3, Relu, Residual::kBeforeActivation>();
  checkNarrow<3, 40, 3, Relu, Residual::kAfterActivation>();
}

TEST(Narrow, WritesNoFurtherThanItsOutput) {
  const Buffer packed = packNarrow(std::vector<float>(20 * 3, 1.0f), {1, 2, 3}, 20, 3);
  const std::vector<float> x(2 * 20, 1.0f);
  std::vector<float> y(7, -1.0f);
  narrow<2, 20, 3>(x.data(), packed.data(), y.data());
  EXPECT_EQ(y, (std::vector<float>{21, 22, 23, 21, 22, 23, -1}));
}

}  // namespace
}  // namespace aios::kernels
