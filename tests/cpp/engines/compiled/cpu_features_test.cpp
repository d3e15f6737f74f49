#include "engines/compiled/cpu_features.hpp"

#include <gtest/gtest.h>

#include "aios/compiled_model.h"

namespace aios::engines::compiled {
namespace {

TEST(FeatureNames, AreInTheOrderOfTheirBits) {
  EXPECT_EQ(featureNames(AIOS_CPU_AVX2 | AIOS_CPU_FMA), "fma, avx2");
  EXPECT_EQ(featureNames(AIOS_CPU_NEON), "neon");
  EXPECT_EQ(featureNames(0), "");
}

TEST(FeatureNames, TellOfABitThatThisBuildDoesNotKnow) {
  EXPECT_EQ(featureNames(UINT64_C(1) << 40 | AIOS_CPU_SSE3), "sse3, bit 40");
}

TEST(CpuFeatures, AreThoseThatTheHeaderNames) {
  EXPECT_EQ(cpuFeatures() & ~(2 * AIOS_CPU_NEON - 1), 0U);
  EXPECT_EQ(cpuFeatures(), cpuFeatures());
  // A processor that has the wider registers, and a system that saves them, has the narrower.
  const bool wide = (cpuFeatures() & AIOS_CPU_AVX512F) != 0;
  EXPECT_TRUE(!wide || (cpuFeatures() & AIOS_CPU_AVX) != 0);
}

}  // namespace
}  // namespace aios::engines::compiled
