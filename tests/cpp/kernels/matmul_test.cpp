#include "aios/kernels/matmul.hpp"

#include <gtest/gtest.h>

#include "aios/kernels/attention.hpp"
#include "reference.hpp"

namespace aios::kernels {
namespace {

using testing::Buffer;
using testing::randomValues;

TEST(TransposeSquare, SwapsRowsAndColumns) {
  Vec rows[kLanes];
  for (int r = 0; r < kLanes; ++r)
    for (int c = 0; c < kLanes; ++c) rows[r][c] = static_cast<float>(r * 100 + c);
  transposeSquare(rows);
  for (int r = 0; r < kLanes; ++r)
    for (int c = 0; c < kLanes; ++c) ASSERT_EQ(rows[r][c], static_cast<float>(c * 100 + r));
}

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

template <class S>
void checkAttention(bool masked) {
  SCOPED_TRACE(::testing::Message() << S::kHeads << " heads, " << S::kQueries << "x" << S::kKeys);
  const std::vector<float> q = randomValues(S::kBatch * S::kQueries * S::kHeads * S::kDepth);
  const std::vector<float> k = randomValues(S::kBatch * S::kKeys * S::kHeads * S::kDepth);
  const std::vector<float> v = randomValues(S::kBatch * S::kKeys * S::kHeads * S::kValueDepth);
  const std::vector<float> mask = randomValues(S::kQueries * S::kKeys, -3.0f, 3.0f);
  std::vector<double> expected(S::kBatch * S::kQueries * S::kHeads * S::kValueDepth);
  for (int b = 0; b < S::kBatch; ++b)
    for (int h = 0; h < S::kHeads; ++h)
      for (int i = 0; i < S::kQueries; ++i) {
        std::vector<double> score(S::kKeys);
        double sum = 0.0;
        for (int j = 0; j < S::kKeys; ++j) {
          double dot = 0.0;
          for (int d = 0; d < S::kDepth; ++d)
            dot += static_cast<double>(q[((b * S::kQueries + i) * S::kHeads + h) * S::kDepth + d]) *
                   k[((b * S::kKeys + j) * S::kHeads + h) * S::kDepth + d];
          score[j] =
              std::exp(dot * floatFromBits(S::kScale) + (masked ? mask[i * S::kKeys + j] : 0.0));
          sum += score[j];
        }
        for (int d = 0; d < S::kValueDepth; ++d) {
          double y = 0.0;
          for (int j = 0; j < S::kKeys; ++j)
            y += score[j] / sum * v[((b * S::kKeys + j) * S::kHeads + h) * S::kValueDepth + d];
          expected[((b * S::kQueries + i) * S::kHeads + h) * S::kValueDepth + d] = y;
        }
      }
  Buffer scratch(kAttentionScratch<S> + 1, NAN);
  std::vector<float> y(expected.size() + 1, -77.0f);
  attention<S>(q.data(), k.data(), v.data(), y.data(), scratch.data(),
               masked ? mask.data() : nullptr);
  testing::expectClose(y.data(), expected);
  EXPECT_EQ(y.back(), -77.0f);
  EXPECT_TRUE(std::isnan(scratch[kAttentionScratch<S>]));
}

TEST(Attention, MatchesAPlainLoop) {
  for (bool masked : {false, true}) {
    checkAttention<AttentionShape<1, 4, 64, 64, 32, 32, floatBits(0.17677669f)>>(masked);
    checkAttention<AttentionShape<2, 3, 7, 19, 5, 9, floatBits(0.5f)>>(masked);
    checkAttention<AttentionShape<1, 1, 1, 1, 1, 1>>(masked);
    checkAttention<AttentionShape<1, 2, 33, 16, 24, 40>>(masked);
  }
}

}  // namespace
}  // namespace aios::kernels
