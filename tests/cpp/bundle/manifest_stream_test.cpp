#include "bundle/manifest_stream.hpp"

#include "bundle/valid_manifest.hpp"

namespace aios::bundle {
namespace {

Json withStream() {
  Json manifest = validManifest();
  manifest["files"].push_back(
      {{"path", "stream/manifest.json"}, {"bytes", 0}, {"sha256", manifest["files"][0]["sha256"]}});
  manifest["stream"] = Json::parse(R"({
    "verdict": "passed", "path": "stream", "reason": null, "samples": 3, "frames": 4,
    "latency_frames": 0, "tolerance": {"absolute": 1e-5, "relative": 1e-4}, "worst": 0.5,
    "states": [{"input": "a", "output": "b", "layer": "c"}], "more": "is passed over"})");
  return manifest;
}

StreamRecord streamOf(const Json& manifest) {
  const TemporaryDirectory directory;
  publish(directory, manifest.dump());
  return *readBundle(directory.path()).stream;
}

TEST(ManifestStream, IsReadWithItsStates) {
  const StreamRecord stream = streamOf(withStream());
  EXPECT_EQ(stream.verdict, Verdict::kPassed);
  EXPECT_EQ(stream.path, "stream");
  ASSERT_EQ(stream.states.size(), 1U);
  EXPECT_EQ(stream.states[0].input, "a");
  EXPECT_EQ(stream.states[0].output, "b");
}

TEST(ManifestStream, ThatWasDeclinedHasAReasonAndNoFolder) {
  Json manifest = withStream();
  manifest["stream"]["verdict"] = "declined";
  manifest["stream"]["path"] = "";
  manifest["stream"]["reason"] = "layer 'a'";
  EXPECT_EQ(streamOf(manifest).reason, "layer 'a'");
}

TEST(ManifestStream, IsMissingWhereNoneWasAskedFor) {
  const TemporaryDirectory directory;
  publish(directory, validManifest().dump());
  EXPECT_FALSE(readBundle(directory.path()).stream.has_value());
}

TEST(ManifestStream, ThatBreaksARuleIsRefused) {
  const auto expectRefused = [](const char* key, Json value, const std::string& words) {
    Json manifest = withStream();
    manifest["stream"][key] = std::move(value);
    expectMalformed(manifest, words);
  };
  expectRefused("verdict", "pending", "unknown verdict 'pending'");
  expectRefused("path", "other", "the stream's 'other/manifest.json' isn't among its 'files'");
  expectRefused("path", "../stream", "leaves the bundle");
  expectRefused("states", nullptr, "'states' isn't a list");
  expectRefused("states", {{{"input", "a"}, {"output", ""}}}, "'output' has 0 bytes");
  expectRefused("frames", -1, "'frames' isn't a number of samples or frames");
  expectRefused("worst", "large", "'worst' isn't a number");
}

}  // namespace
}  // namespace aios::bundle
