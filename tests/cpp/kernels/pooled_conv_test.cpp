#include "aios/kernels/pooled_conv.hpp"

#include <gtest/gtest.h>

#include "conv_reference.hpp"
#include "reference.hpp"

namespace aios::kernels {
namespace {

using testing::Buffer;
using testing::randomValues;

template <class S, class Epilogue, Pool kPool>
void checkPooled() {
  SCOPED_TRACE(::testing::Message()
               << S::kHeight << "x" << S::kWidth << "x" << S::kChannels << " -> " << S::kFilters);
  constexpr int kPooledH = S::kOutHeight / 2, kPooledW = S::kOutWidth / 2;
  const std::vector<float> x = randomValues(S::kInputFloats);
  const std::vector<float> filters = randomValues(S::kFilters * S::kDepth);
  const std::vector<float> bias = randomValues(S::kFilters);
  const std::vector<double> full = testing::plainConv<S>(x, filters, bias);
  std::vector<double> expected;
  for (int b = 0; b < S::kBatch; ++b)
    for (int py = 0; py < kPooledH; ++py)
      for (int px = 0; px < kPooledW; ++px)
        for (int f = 0; f < S::kFilters; ++f) {
          double most = -INFINITY, sum = 0.0;
          for (int i = 0; i < 4; ++i) {
            const int oy = 2 * py + i / 2, ox = 2 * px + i % 2;
            const double at =
                full[((b * S::kOutHeight + oy) * S::kOutWidth + ox) * S::kFilters + f];
            const double active = Epilogue::apply(splat(static_cast<float>(at)))[0];
            most = std::fmax(most, active);
            sum += active;
          }
          expected.push_back(kPool == Pool::kMax ? most : sum / 4.0);
        }
  const Buffer packed = testing::packConv<PooledShape<S>>(filters, bias);
  ASSERT_EQ(packed.size(), kPooledConvPackedFloats<S>);
  Buffer scratch(kConvScratch<S> + 1, NAN);
  std::vector<float> y(expected.size() + 1, -77.0f);
  pooledConv2d<S, Epilogue, kPool>(x.data(), packed.data(), y.data(), scratch.data());
  testing::expectClose(y.data(), expected);
  EXPECT_EQ(y.back(), -77.0f);
}

TEST(PooledConv2d, TakesTheMaximumOfEachSquare) {
  checkPooled<ConvShape<1, 28, 28, 1, 8, 3, 3>, Relu, Pool::kMax>();
  checkPooled<ConvShape<1, 13, 13, 8, 16, 3, 3>, Relu, Pool::kMax>();
  checkPooled<ConvShape<2, 9, 10, 3, 5, 3, 3>, Identity, Pool::kMax>();
  checkPooled<ConvShape<1, 9, 12, 3, 37, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1>, Tanh, Pool::kMax>();
  checkPooled<ConvShape<1, 13, 9, 2, 1, 1, 1, 2, 2>, Relu6, Pool::kMax>();
  checkPooled<ConvShape<1, 11, 12, 2, 70, 2, 2, 1, 1, 2, 2>, Relu, Pool::kMax>();
}

TEST(PooledConv2d, ActivatesFirstWhereTheActivationIsNotMonotonic) {
  checkPooled<ConvShape<1, 10, 10, 2, 6, 3, 3>, Gelu, Pool::kMax>();
  checkPooled<ConvShape<1, 10, 10, 2, 20, 3, 3>, Silu, Pool::kMax>();
}

TEST(PooledConv2d, AveragesEachSquare) {
  checkPooled<ConvShape<1, 10, 10, 2, 6, 3, 3>, Relu, Pool::kAverage>();
  checkPooled<ConvShape<2, 9, 9, 2, 40, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1>, Tanh, Pool::kAverage>();
}

}  // namespace
}  // namespace aios::kernels
