#include "aios/kernels/strassen.hpp"

#include <gtest/gtest.h>

#include <array>

#include "aios/kernels/dense.hpp"
#include "reference.hpp"

namespace aios::kernels {
namespace {

using testing::Buffer;
using testing::randomValues;

// Mirrors packing.pack_strassen: w is [K, N].
template <class S>
Buffer packStrassen(const std::vector<float>& w, const std::vector<float>& bias) {
  Buffer packed(kStrassenPackedFloats<S>);
  std::size_t at = 0;
  for (int column = 0; column < S::kColumns; column += kPanelVectors * kLanes) {
    const int end = std::min(S::kColumns, column + kPanelVectors * kLanes);
    for (int n = column; n < end; ++n) packed[at++] = bias[n];
    for (int n = column; n < end; ++n) packed[at++] = bias[S::kColumns + n];
    for (int product = 0; product < 7; ++product) {
      for (int k = 0; k < S::kDepth; ++k) {
        for (int n = column; n < end; ++n) {
          const double b11 = w[k * S::kN + n], b12 = w[k * S::kN + S::kColumns + n];
          const double b21 = w[(S::kDepth + k) * S::kN + n];
          const double b22 = w[(S::kDepth + k) * S::kN + S::kColumns + n];
          const double t1 = b12 - b11, t2 = b22 - t1;
          const std::array<double, 7> sums = {b11, b21, t2, b22 - b12, b21 - t2, t1, b22};
          packed[at++] = static_cast<float>(sums[static_cast<std::size_t>(product)]);
        }
      }
    }
  }
  return packed;
}

template <int M, int K, int N, class Epilogue = Identity, Residual kResidual = Residual::kNone>
void checkStrassen() {
  SCOPED_TRACE(::testing::Message() << "M=" << M << " K=" << K << " N=" << N);
  using S = StrassenShape<M, K, N>;
  const std::vector<float> x = randomValues(M * K), w = randomValues(K * N);
  const std::vector<float> bias = randomValues(N), residual = randomValues(M * N);
  const Buffer packed = packStrassen<S>(w, bias);
  Buffer scratch(kStrassenScratch<S>, -99.0f);
  std::vector<float> y(M * N, -77.0f);
  strassen<S, Epilogue, kResidual>(x.data(), packed.data(), y.data(), scratch.data(),
                                   residual.data());
  testing::expectClose(y.data(),
                       testing::denseAnswer<M, K, N, Epilogue, kResidual>(x, w, bias, residual));
}

TEST(Strassen, MatchesAPlainLoopWhereAllHalvesAreWhole) {
  checkStrassen<2, 2, 2 * kLanes>();
  checkStrassen<16, 64, 4 * kLanes, Relu>();
  checkStrassen<26, 40, 2 * kLanes>();
  checkStrassen<64, 128, 128, Gelu>();
}

TEST(Strassen, MatchesAPlainLoopWithAnOddNumberOfRows) {
  checkStrassen<3, 4, 2 * kLanes>();
  checkStrassen<17, 64, 4 * kLanes, Relu>();
  checkStrassen<49, 96, 64>();
  checkStrassen<197, 20, 4 * kLanes>();
}

TEST(Strassen, MatchesAPlainLoopInSeveralBlocksAndPanels) {
  checkStrassen<98, 32, 2 * kLanes>();
  checkStrassen<200, 6, 6 * kLanes, Relu>();
  checkStrassen<289, 34, 10 * kLanes>();
}

TEST(Strassen, AddsAResidualBeforeOrAfterTheActivation) {
  checkStrassen<18, 12, 4 * kLanes, Relu, Residual::kBeforeActivation>();
  checkStrassen<19, 12, 6 * kLanes, Relu, Residual::kAfterActivation>();
}

TEST(Strassen, MayAddTheOutputToItself) {
  using S = StrassenShape<5, 4, 2 * kLanes>;
  const std::vector<float> x(5 * 4, 1.0f);
  const Buffer packed =
      packStrassen<S>(std::vector<float>(4 * S::kN, 0.5f), std::vector<float>(S::kN, 1.0f));
  Buffer scratch(kStrassenScratch<S>);
  std::vector<float> y(5 * S::kN, 10.0f);
  strassen<S, Identity, Residual::kAfterActivation>(x.data(), packed.data(), y.data(),
                                                    scratch.data(), y.data());
  EXPECT_EQ(y, std::vector<float>(5 * S::kN, 13.0f));
}

TEST(Strassen, ReadsNoFurtherThanItsInputsAndWritesNoFurtherThanItsOutput) {
  using S = StrassenShape<7, 6, 2 * kLanes>;
  const auto x = std::make_unique<float[]>(7 * 6);
  for (int i = 0; i < 7 * 6; ++i) x[i] = 1.0f;
  const Buffer packed =
      packStrassen<S>(std::vector<float>(6 * S::kN, 1.0f), std::vector<float>(S::kN));
  Buffer scratch(kStrassenScratch<S>);
  std::vector<float> y(7 * S::kN + 1, -1.0f);
  strassen<S>(x.get(), packed.data(), y.data(), scratch.data());
  for (int i = 0; i < 7 * S::kN; ++i) EXPECT_EQ(y[i], 6.0f);
  EXPECT_EQ(y.back(), -1.0f);
}

TEST(Strassen, ComputesAnyRangeOfPieces) {
  using S = StrassenShape<197, 6, 10 * kLanes>;
  const std::vector<float> x = randomValues(197 * 6);
  const Buffer packed = packStrassen<S>(randomValues(6 * S::kN), randomValues(S::kN));
  std::vector<float> whole(197 * S::kN), pieces(197 * S::kN);
  Buffer scratch(kStrassenScratch<S>);
  strassen<S>(x.data(), packed.data(), whole.data(), scratch.data());
  ASSERT_EQ(kStrassenTasks<S>, 9);  // three blocks of three panels
  for (int end = 9; end > 0; end -= 2)
    strassenRange<S>(x.data(), packed.data(), pieces.data(), scratch.data(), nullptr,
                     end > 1 ? end - 2 : 0, end);
  EXPECT_EQ(whole, pieces);
}

// One level loses about two bits: far inside a bundle's tolerance of 1e-5.
TEST(Strassen, IsAFewTimesLessExactThanAPlainProduct) {
  using S = StrassenShape<64, 512, 4 * kLanes>;
  const std::vector<float> x = randomValues(64 * 512), w = randomValues(512 * S::kN);
  const std::vector<float> bias(S::kN);
  const Buffer packed = packStrassen<S>(w, bias);
  const std::vector<double> exact =
      testing::denseAnswer<64, 512, S::kN, Identity, Residual::kNone>(x, w, bias, {});
  std::vector<float> y(64 * S::kN);
  Buffer scratch(kStrassenScratch<S>);
  strassen<S>(x.data(), packed.data(), y.data(), scratch.data());
  testing::expectClose(y.data(), exact, 3e-6);
}

}  // namespace
}  // namespace aios::kernels
