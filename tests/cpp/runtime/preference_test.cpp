#include "runtime/preference.hpp"

#include <gtest/gtest.h>

namespace aios::runtime {
namespace {

using bundle::Artifact;

Artifact artifactOf(const std::string& engine, double reach, std::size_t propagated = 3,
                    const std::string& precision = "float32") {
  Artifact artifact;
  artifact.engine = engine;
  artifact.precision = precision;
  artifact.proven = {{"s", {{"x", {-reach, reach}}}}};
  artifact.range_known = reach != 0;
  artifact.probes = 3;
  artifact.propagated = propagated;
  return artifact;
}

// As "compiled litert | tensorflow": those that take part, then the reserves.
std::string orderOf(const std::vector<Artifact>& artifacts) {
  std::vector<const Artifact*> pointers;
  for (const Artifact& artifact : artifacts) pointers.push_back(&artifact);
  std::string order;
  bool reserves = false;
  for (const Preferred& entry : preferenceOf(pointers)) {
    if (!entry.reserve.empty() && !reserves) order += "| ";
    reserves = !entry.reserve.empty();
    order += entry.artifact->engine + " ";
  }
  return order;
}

TEST(Preference, LeavesTheOrderWhereAllAreProvedAlike) {
  EXPECT_EQ(orderOf({artifactOf("compiled", 9), artifactOf("litert", 9), artifactOf("openvino", 9),
                     artifactOf("tensorflow", 9)}),
            "compiled litert openvino | tensorflow ");
  EXPECT_EQ(orderOf({artifactOf("compiled", 9), artifactOf("tensorflow", 9)}),
            "compiled tensorflow ");
}

TEST(Preference, KeepsInReserveWhatAnotherIsProvedFurtherThan) {
  EXPECT_EQ(orderOf({artifactOf("compiled", 9), artifactOf("litert", 3), artifactOf("openvino", 5),
                     artifactOf("tensorflow", 9)}),
            "compiled | tensorflow openvino litert ");
  EXPECT_EQ(orderOf({artifactOf("litert", 3), artifactOf("tensorflow", 9)}),
            "tensorflow | litert ");
}

TEST(Preference, SaysHowFarEachIsProved) {
  const Artifact narrow = artifactOf("litert", 300);
  const Artifact wide = artifactOf("compiled", 1e30);
  EXPECT_EQ(preferenceOf({&narrow, &wide})[1].reserve,
            "it is proved for x from -3e+02 to 3e+02 only, compiled for x from -1e+30 to 1e+30");
}

TEST(Preference, KeepsInReserveWhatHidesNan) {
  EXPECT_EQ(orderOf({artifactOf("compiled", 9), artifactOf("openvino", 9, 1),
                     artifactOf("litert", 9), artifactOf("tensorflow", 9)}),
            "compiled litert | openvino tensorflow ");
  const Artifact hiding = artifactOf("openvino", 9, 1);
  const Artifact better = artifactOf("compiled", 9);
  EXPECT_EQ(preferenceOf({&hiding, &better})[1].reserve,
            "it hides NaN and infinities that the training model answers in 2 of 3 probes, "
            "compiled in 0");
}

TEST(Preference, DoesNotTakeTensorFlowForNanAlone) {
  EXPECT_EQ(orderOf({artifactOf("litert", 9, 1), artifactOf("tensorflow", 9)}),
            "litert | tensorflow ");
}

TEST(Preference, ComparesEachPrecisionWithItself) {
  EXPECT_EQ(orderOf({artifactOf("litert", 9), artifactOf("litert", 3, 0, "int8")}),
            "litert litert ");
}

TEST(Preference, ComparesNothingInBundlesThatDoNotSayHowFar) {
  EXPECT_EQ(orderOf({artifactOf("compiled", 0), artifactOf("litert", 9)}), "compiled litert ");
}

}  // namespace
}  // namespace aios::runtime
