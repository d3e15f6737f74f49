#include "aios/kernels/vec.hpp"

#include <gtest/gtest.h>

#include <memory>

namespace aios::kernels {
namespace {

Vec counting() {
  Vec v{};
  for (int i = 0; i < kLanes; ++i) v[i] = static_cast<float>(i + 1);
  return v;
}

template <int N>
void checkPartial() {
  const auto source = std::make_unique<float[]>(N);  // exactly N: a sanitizer sees an overrun
  for (int i = 0; i < N; ++i) source[i] = static_cast<float>(i + 1);
  const Vec v = loadPartial<N>(source.get());
  for (int i = 0; i < kLanes; ++i) EXPECT_EQ(v[i], i < N ? static_cast<float>(i + 1) : 0.0f);
  const Vec filled = loadFilled<N>(source.get(), -3.0f);
  for (int i = 0; i < kLanes; ++i) EXPECT_EQ(filled[i], i < N ? static_cast<float>(i + 1) : -3.0f);
  float target[kLanes + 1];
  for (float& x : target) x = -1.0f;
  storePartial<N>(target, counting());
  for (int i = 0; i <= kLanes; ++i) EXPECT_EQ(target[i], i < N ? static_cast<float>(i + 1) : -1.0f);
  if constexpr (N < kLanes) checkPartial<N + 1>();
}

TEST(Vec, PartialLoadsAndStoresTouchOnlyTheirFloats) { checkPartial<1>(); }

TEST(Vec, FoldsAllLanes) {
  EXPECT_EQ(reduceAdd(counting()), kLanes * (kLanes + 1) / 2.0f);
  EXPECT_EQ(reduceMax(counting()), static_cast<float>(kLanes));
  EXPECT_EQ(reduceMax(-counting()), -1.0f);
}

TEST(Vec, MaxAndMinPassOnANanInTheSecondArgument) {
  const Vec nan = splat(__builtin_nanf(""));
  EXPECT_TRUE(__builtin_isnan(max(splat(0.0f), nan)[0]));
  EXPECT_TRUE(__builtin_isnan(min(splat(0.0f), nan)[0]));
  EXPECT_EQ(max(splat(2.0f), splat(3.0f))[0], 3.0f);
  EXPECT_EQ(min(splat(2.0f), splat(3.0f))[0], 2.0f);
}

}  // namespace
}  // namespace aios::kernels
