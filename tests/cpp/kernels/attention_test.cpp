#include "aios/kernels/attention.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "reference.hpp"

namespace aios::kernels {
namespace {

using testing::Buffer;
using testing::randomValues;

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
