#include "aios/kernels/dense.hpp"

#include <gtest/gtest.h>

#include "reference.hpp"

namespace aios::kernels {
namespace {

using testing::Buffer;
using testing::randomValues;

template <int M, int K, int N, class Epilogue = Identity, Residual kResidual = Residual::kNone>
void checkDense() {
  SCOPED_TRACE(::testing::Message() << "M=" << M << " K=" << K << " N=" << N);
  const std::vector<float> x = randomValues(M * K);
  const std::vector<float> w = randomValues(K * N);
  const std::vector<float> bias = randomValues(N);
  const std::vector<float> residual = randomValues(M * N);
  const Buffer packed = testing::packPanels(w, bias, K, N);
  const std::vector<double> expected =
      testing::denseAnswer<M, K, N, Epilogue, kResidual>(x, w, bias, residual);
  std::vector<float> y(M * N, -77.0f);
  dense<M, K, N, Epilogue, kResidual>(x.data(), packed.data(), y.data(), residual.data());
  testing::expectClose(y.data(), expected);
}

TEST(Dense, MatchesAPlainLoopAtBatchOne) {
  checkDense<1, 1, 1>();
  checkDense<1, 1, 17>();
  checkDense<1, 3, 1>();
  checkDense<1, 7, 5>();
  checkDense<1, 10, 64, Relu>();
  checkDense<1, 64, 32, Relu>();
  checkDense<1, 32, 3>();
  checkDense<1, 64, 128, Relu>();
  checkDense<1, 128, 10>();
  checkDense<1, 784, 512, Relu>();
  checkDense<1, 33, 129, Tanh>();
  checkDense<1, 5, 150>();
  checkDense<1, 19, 255, Sigmoid>();
  checkDense<1, 400, 10>();
}

TEST(Dense, MatchesAPlainLoopAtOtherBatches) {
  checkDense<2, 1, 1>();
  checkDense<2, 10, 64, Relu>();
  checkDense<3, 7, 17>();
  checkDense<8, 10, 64, Relu>();
  checkDense<8, 64, 32, Gelu>();
  checkDense<8, 32, 3>();
  checkDense<8, 128, 129>();
  checkDense<13, 5, 33>();
  checkDense<25, 48, 50>();
  checkDense<32, 784, 65>();
  checkDense<49, 96, 40>();
  checkDense<64, 128, 512, GeluTanh>();
}

TEST(Dense, AddsAResidualBeforeOrAfterTheActivation) {
  checkDense<1, 12, 37, Relu, Residual::kBeforeActivation>();
  checkDense<1, 12, 37, Relu, Residual::kAfterActivation>();
  checkDense<9, 12, 37, Relu, Residual::kBeforeActivation>();
  checkDense<9, 12, 37, Relu, Residual::kAfterActivation>();
}

TEST(Dense, MayAddTheOutputToItself) {
  const Buffer packed = testing::packPanels({2.0f}, {1.0f}, 1, 1);
  const float x = 3.0f;
  float y = 10.0f;
  dense<1, 1, 1, Identity, Residual::kAfterActivation>(&x, packed.data(), &y, &y);
  EXPECT_EQ(y, 17.0f);
}

TEST(Dense, ReadsNoFurtherThanItsInputsAndWritesNoFurtherThanItsOutput) {
  constexpr int kRows = 3, kDepth = 5, kColumns = 19;
  const auto x = std::make_unique<float[]>(kRows * kDepth);
  for (int i = 0; i < kRows * kDepth; ++i) x[i] = 1.0f;
  const Buffer packed =
      testing::packPanels(std::vector<float>(kDepth * kColumns, 1.0f), {}, kDepth, kColumns);
  std::vector<float> y(kRows * kColumns + 1, -1.0f);
  dense<kRows, kDepth, kColumns>(x.get(), packed.data(), y.data());
  for (int i = 0; i < kRows * kColumns; ++i) EXPECT_EQ(y[i], 5.0f);
  EXPECT_EQ(y.back(), -1.0f);
}

TEST(Dense, ComputesAnyRangeOfPanels) {
  constexpr int kRows = 4, kDepth = 6, kColumns = 3 * kPanelVectors * kLanes + 5;
  const std::vector<float> x = randomValues(kRows * kDepth);
  const Buffer packed = testing::packPanels(randomValues(kDepth * kColumns), randomValues(kColumns),
                                            kDepth, kColumns);
  std::vector<float> whole(kRows * kColumns), pieces(kRows * kColumns);
  dense<kRows, kDepth, kColumns>(x.data(), packed.data(), whole.data());
  ASSERT_EQ(kDenseTasks<kColumns>, 4);
  for (int task = 3; task >= 0; --task)
    denseRange<kRows, kDepth, kColumns>(x.data(), packed.data(), pieces.data(), nullptr, task,
                                        task + 1);
  EXPECT_EQ(whole, pieces);
}

}  // namespace
}  // namespace aios::kernels
