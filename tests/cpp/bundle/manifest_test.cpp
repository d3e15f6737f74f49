#include "bundle/manifest.hpp"

#include <nlohmann/json.hpp>

#include "bundle/temporary_directory.hpp"
#include "expect_error.hpp"

namespace aios::bundle {
namespace {

using Json = nlohmann::json;

Json validManifest() {
  return Json::parse(R"({
    "format_version": 1,
    "signatures": [{"name": "serving_default",
                    "inputs": [{"name": "x", "dtype": "float32", "shape": [-1, 4]}],
                    "outputs": [{"name": "y", "dtype": "float32", "shape": [-1, 2]}]}],
    "artifacts": [{"engine": "litert", "target": "any", "precision": "float32",
                   "verdict": "passed", "reason": null, "max_error": 1e-6,
                   "tolerance": {"absolute": 1e-5, "relative": 1e-4}, "composable": true,
                   "graphs": [{"path": "litert/m.tflite", "batch": 8, "signature": null,
                               "inputs": {"x": "x:0"}, "outputs": {}}],
                   "files": [{"path": "litert/m.tflite", "bytes": 3, "sha256":
                     "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}]}],
    "files": [],
    "golden": "golden.safetensors"})");
}

void publish(const TemporaryDirectory& directory, const std::string& text) {
  directory.write("manifest.json", text);
  directory.write("manifest.sha256", sha256Hex(text.data(), text.size()) + "\n");
}

void expectMalformed(const Json& manifest, const std::string& part) {
  const TemporaryDirectory directory;
  publish(directory, manifest.dump());
  EXPECT_AIOS_ERROR(readBundle(directory.path()), kDataLoss, part);
}

TEST(ReadBundle, ReadsWhatTheExporterWrote) {
  const TemporaryDirectory directory;
  publish(directory, validManifest().dump());
  const Bundle bundle = readBundle(directory.path());
  ASSERT_EQ(bundle.signatures.size(), 1U);
  EXPECT_EQ(bundle.signatures[0].name, "serving_default");
  EXPECT_EQ(describe(bundle.signatures[0].inputs[0]), "float32[-1,4]");
  ASSERT_EQ(bundle.artifacts.size(), 1U);
  EXPECT_EQ(bundle.artifacts[0].verdict, Verdict::kPassed);
  EXPECT_EQ(bundle.artifacts[0].tolerance.relative, 1e-4);
  EXPECT_EQ(bundle.artifacts[0].files[0].bytes, 3U);
  EXPECT_TRUE(bundle.artifacts[0].composable);
  ASSERT_EQ(bundle.artifacts[0].graphs.size(), 1U);
  EXPECT_EQ(bundle.artifacts[0].graphs[0].batch, 8);
  EXPECT_EQ(bundle.artifacts[0].graphs[0].inputs.at("x"), "x:0");
}

TEST(ReadBundle, ReadsHowManySamplesProveAnArtifact) {
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

TEST(ReadBundle, RefusesAToleranceThatWouldSwitchTheGateOff) {
  for (const char* part : {"absolute", "relative"}) {
    for (const Json& value : {Json(-1e-5), Json(1.5), Json(1e300), Json(true), Json()}) {
      Json manifest = validManifest();
      manifest["artifacts"][0]["tolerance"][part] = value;
      expectMalformed(manifest, part);
    }
  }
}

TEST(ReadBundle, SaysThatThereIsNone) {
  EXPECT_AIOS_ERROR(readBundle("/nowhere/digits.cell"), kNotFound, "/nowhere/digits.cell");
}

TEST(ReadBundle, RefusesAManifestThatIsMissingOrDoesNotMatchItsHash) {
  const TemporaryDirectory directory;
  EXPECT_AIOS_ERROR(readBundle(directory.path()), kDataLoss, "manifest.json");
  publish(directory, validManifest().dump());
  directory.write("manifest.json", validManifest().dump(1));
  EXPECT_AIOS_ERROR(readBundle(directory.path()), kDataLoss, "doesn't match 'manifest.sha256'");
}

TEST(ReadBundle, RefusesAnotherFormatVersion) {
  Json manifest = validManifest();
  manifest["format_version"] = 2;
  const TemporaryDirectory directory;
  publish(directory, manifest.dump());
  EXPECT_AIOS_ERROR(readBundle(directory.path()), kUnsupported, "expected format_version 1, got 2");
}

TEST(ReadBundle, RefusesPathsThatLeaveTheBundle) {
  for (const char* path : {"../secret", "/etc/passwd", "a/../../b", ""}) {
    Json manifest = validManifest();
    manifest["artifacts"][0]["files"][0]["path"] = path;
    expectMalformed(manifest, "leaves the bundle");
  }
}

TEST(ReadBundle, RefusesSymbolicLinks) {
  const TemporaryDirectory directory;
  std::filesystem::create_directory_symlink("/etc", directory.path() / "litert");
  publish(directory, validManifest().dump());
  EXPECT_AIOS_ERROR(readBundle(directory.path()), kDataLoss, "is a symbolic link");
}

TEST(ReadBundle, NamesAMissingOrWrongMember) {
  for (const char* key : {"signatures", "artifacts", "files", "golden", "format_version"}) {
    Json manifest = validManifest();
    manifest.erase(key);
    expectMalformed(manifest, key);
  }
  Json manifest = validManifest();
  manifest["signatures"][0]["inputs"][0]["shape"] = {-2};
  expectMalformed(manifest, "the shape of 'x'");
  manifest = validManifest();
  manifest["artifacts"][0]["graphs"][0]["path"] = "litert/other.tflite";
  expectMalformed(manifest, "isn't among the artifact's files");
  manifest = validManifest();
  manifest["artifacts"][0]["graphs"][0]["batch"] = 0;
  expectMalformed(manifest, "isn't a batch size");
  manifest = validManifest();
  manifest["artifacts"][0]["verdict"] = "fine";
  expectMalformed(manifest, "unknown verdict 'fine'");
}

TEST(ReadBundle, RefusesADTypeFromTheFuture) {
  Json manifest = validManifest();
  manifest["signatures"][0]["inputs"][0]["dtype"] = "float4";
  const TemporaryDirectory directory;
  publish(directory, manifest.dump());
  EXPECT_AIOS_ERROR(readBundle(directory.path()), kUnsupported, "'float4'");
}

TEST(ReadBundle, RefusesTextThatIsNotJson) {
  const TemporaryDirectory directory;
  publish(directory, "{\"format_version\": 1,");
  EXPECT_AIOS_ERROR(readBundle(directory.path()), kDataLoss, "isn't JSON");
}

TEST(ReadBundle, TakesBackABundleThatAnInterruptedSwapLeftAside) {
  const TemporaryDirectory parent;
  parent.write(".m.cell.aside/manifest.json", validManifest().dump());
  const std::string text = validManifest().dump();
  parent.write(".m.cell.aside/manifest.sha256", sha256Hex(text.data(), text.size()) + "\n");
  EXPECT_EQ(readBundle(parent.path() / "m.cell").artifacts.size(), 1U);
  EXPECT_FALSE(std::filesystem::exists(parent.path() / ".m.cell.aside"));
}

TEST(CheckFiles, ChecksEveryArtifact) {
  const TemporaryDirectory directory;
  publish(directory, validManifest().dump());
  const Bundle bundle = readBundle(directory.path());
  EXPECT_AIOS_ERROR(checkFiles(bundle, true), kDataLoss, "litert/m.tflite");
  directory.write("litert/m.tflite", "abc");
  EXPECT_NO_THROW(checkFiles(bundle, false));
}

}  // namespace
}  // namespace aios::bundle
