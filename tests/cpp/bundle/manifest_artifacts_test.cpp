#include "bundle/manifest_artifacts.hpp"

#include <limits>

#include "bundle/valid_manifest.hpp"

namespace aios::bundle {
namespace {

TEST(ManifestArtifacts, ReadsHowManySamplesProveAnArtifact) {
  Json manifest = validManifest();
  manifest["artifacts"][0]["from_the_future"] = 1;
  for (const Json& given : {Json(), Json(5)}) {
    manifest["artifacts"][0]["golden_samples"] = given;
    const TemporaryDirectory directory;
    publish(directory, manifest.dump());
    const std::size_t all = std::numeric_limits<std::size_t>::max();
    EXPECT_EQ(readBundle(directory.path()).artifacts[0].golden_samples, given.is_null() ? all : 5U);
  }
}

TEST(ManifestArtifacts, RefusesAToleranceThatWouldSwitchTheGateOff) {
  for (const char* part : {"absolute", "relative"}) {
    for (const Json& value : {Json(-1e-5), Json(1.5), Json(1e300), Json(true), Json()}) {
      Json manifest = validManifest();
      manifest["artifacts"][0]["tolerance"][part] = value;
      expectMalformed(manifest, part);
    }
  }
}

TEST(ManifestArtifacts, ReadsWhatAnArtifactIsProvedFor) {
  Json manifest = validManifest();
  const TemporaryDirectory old;
  publish(old, manifest.dump());
  EXPECT_TRUE(readBundle(old.path()).artifacts[0].proven.empty());
  manifest["input_ranges"]["serving_default"]["x"] = {-300, 300};
  const TemporaryDirectory pending;
  publish(pending, manifest.dump());
  const Artifact required = readBundle(pending.path()).artifacts[0];
  EXPECT_EQ(describe(required.proven), "x from -3e+02 to 3e+02");
  EXPECT_FALSE(required.range_known);
  manifest["artifacts"][0].update({{"proven_range", {{"serving_default", {{"x", {-1e30, 9.5}}}}}},
                                   {"probes", 4},
                                   {"propagated", 3}});
  const TemporaryDirectory proved;
  publish(proved, manifest.dump());
  const Artifact artifact = readBundle(proved.path()).artifacts[0];
  EXPECT_EQ(describe(artifact.proven), "x from -1e+30 to 9.5");
  EXPECT_TRUE(artifact.range_known);
  EXPECT_EQ(artifact.probes, 4U);
  EXPECT_EQ(artifact.propagated, 3U);
}

TEST(ManifestArtifacts, RefusesRangesThatHoldNothing) {
  for (const char* text : {"5", "[1]", "[2, 1]", "[null, 1]", "{}", "[0, 1, 2]", "\"all\""}) {
    Json manifest = validManifest();
    manifest["input_ranges"]["serving_default"]["x"] = Json::parse(text);
    expectMalformed(manifest, "the range of 'x'");
    manifest = validManifest();
    manifest["artifacts"][0]["proven_range"]["serving_default"]["x"] = Json::parse(text);
    expectMalformed(manifest, "the range of 'x'");
  }
  Json manifest = validManifest();
  manifest["input_ranges"] = Json::array();
  expectMalformed(manifest, "'input_ranges' isn't an object");
}

}  // namespace
}  // namespace aios::bundle
