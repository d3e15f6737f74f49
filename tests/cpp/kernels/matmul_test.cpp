#include "aios/kernels/matmul.hpp"

#include <gtest/gtest.h>

#include "reference.hpp"

namespace aios::kernels {
namespace {

using testing::Buffer;
using testing::randomValues;

template <class S, class Epilogue = Identity>
void checkMatmul() {
  SCOPED_TRACE(::testing::Message()
               << S::kBatch << " of " << S::kM << "x" << S::kK << "x" << S::kN);
  const std::vector<float> a = randomValues((S::kRepeatA ? 1 : S::kBatch) * S::kM * S::kK);
  const std::vector<float> w = randomValues((S::kRepeatB ? 1 : S::kBatch) * S::kK * S::kN);
  std::vector<double> expected;
  for (int b = 0; b < S::kBatch; ++b)
    for (int m = 0; m < S::kM; ++m)
      for (int n = 0; n < S::kN; ++n) {
        const float* left = a.data() + (S::kRepeatA ? 0 : b * S::kM * S::kK);
        const float* right = w.data() + (S::kRepeatB ? 0 : b * S::kK * S::kN);
        double sum = 0.0;
        for (int k = 0; k < S::kK; ++k)
          sum += static_cast<double>(left[S::kTransposeA ? k * S::kM + m : m * S::kK + k]) *
                 right[S::kTransposeB ? n * S::kK + k : k * S::kN + n];
        expected.push_back(Epilogue::apply(splat(static_cast<float>(sum)))[0]);
      }
  Buffer scratch(kMatmulScratch<S> + 1, NAN);
  std::vector<float> y(expected.size() + 1, -77.0f);
  batchMatmul<S, Epilogue>(a.data(), w.data(), y.data(), scratch.data());
  testing::expectClose(y.data(), expected);
  EXPECT_EQ(y.back(), -77.0f);
  EXPECT_TRUE(std::isnan(scratch[kMatmulScratch<S>]));
}

TEST(BatchMatmul, MatchesAPlainLoop) {
  checkMatmul<MatmulShape<1, 1, 1, 1>>();
  checkMatmul<MatmulShape<4, 64, 32, 64>>();
  checkMatmul<MatmulShape<3, 17, 21, 35>, Relu>();
  checkMatmul<MatmulShape<2, 5, 40, 3>>();
}

TEST(BatchMatmul, MatchesAPlainLoopWithTransposes) {
  checkMatmul<MatmulShape<4, 64, 32, 64, false, true>>();
  checkMatmul<MatmulShape<3, 17, 21, 35, false, true>>();
  checkMatmul<MatmulShape<2, 9, 3, 5, true, false>>();
  checkMatmul<MatmulShape<2, 33, 20, 18, true, true>>();
}

TEST(BatchMatmul, RepeatsAMatrixForTheWholeBatch) {
  checkMatmul<MatmulShape<3, 7, 11, 20, false, true, false, true>>();
  checkMatmul<MatmulShape<3, 7, 11, 20, true, false, true, false>>();
}

}  // namespace
}  // namespace aios::kernels
