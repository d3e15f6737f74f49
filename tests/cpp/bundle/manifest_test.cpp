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
    "files": [{"path": "golden.safetensors", "bytes": 0, "sha256":
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}],
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

TEST(ReadBundle, ReadsWhatAnArtifactIsProvedFor) {
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

TEST(ReadBundle, RefusesRangesThatHoldNothing) {
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

TEST(ReadBundle, SaysThatThereIsNone) {
  EXPECT_AIOS_ERROR(readBundle("/nowhere/digits.cell"), kNotFound, "/nowhere/digits.cell");
  EXPECT_AIOS_ERROR(readBundle(""), kInvalidArgument, "path: expected the directory of a bundle");
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
  for (const char* path : {"../secret", "/etc/passwd", "a/../../b", ".", "a//b", "a/", "./a"}) {
    Json manifest = validManifest();
    manifest["artifacts"][0]["files"][0]["path"] = path;
    expectMalformed(manifest, "leaves the bundle");
  }
}

TEST(CheckFiles, RefusesSymbolicLinks) {
  const TemporaryDirectory directory;
  directory.write("golden.safetensors", "");
  directory.write("elsewhere/m.tflite", "abc");
  std::filesystem::create_directory_symlink("elsewhere", directory.path() / "litert");
  publish(directory, validManifest().dump());
  Bundle bundle = readBundle(directory.path());
  EXPECT_AIOS_ERROR(checkFiles(bundle, true), kDataLoss, "is reached by a symbolic link");
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

TEST(ReadBundle, RefusesWhatIsEmptyOrThereTwice) {
  const auto refused = [](const char* part, auto change) {
    Json manifest = validManifest();
    change(manifest["signatures"], manifest["artifacts"], manifest["files"]);
    expectMalformed(manifest, part);
  };
  refused("it has no signature", [](Json& signatures, Json&, Json&) { signatures.clear(); });
  refused("signature 'serving_default' is there twice",
          [](Json& signatures, Json&, Json&) { signatures.push_back(signatures[0]); });
  for (const char* role : {"inputs", "outputs"}) {
    refused("signature 'serving_default' has no ",
            [&](Json& signatures, Json&, Json&) { signatures[0][role].clear(); });
    refused("signature 'serving_default' has two ", [&](Json& signatures, Json&, Json&) {
      signatures[0][role].push_back(signatures[0][role][0]);
    });
  }
  refused("'name' has 0 bytes, expected 1 to 1024",
          [](Json& signatures, Json&, Json&) { signatures[0]["inputs"][0]["name"] = ""; });
  refused("is there twice",
          [](Json&, Json& artifacts, Json&) { artifacts.push_back(artifacts[0]); });
  refused("two graphs for the same calls", [](Json&, Json& artifacts, Json&) {
    artifacts[0]["graphs"].push_back(artifacts[0]["graphs"][0]);
  });
  refused("is listed twice", [](Json&, Json& artifacts, Json&) {
    artifacts[0]["files"].push_back(artifacts[0]["files"][0]);
  });
  refused("is recorded in two ways", [](Json&, Json& artifacts, Json& files) {
    files.push_back(artifacts[0]["files"][0]);
    files.back()["bytes"] = 4;
  });
  refused("aren't among its 'files'", [](Json&, Json&, Json& files) { files.clear(); });
  refused("which isn't there",
          [](Json&, Json& artifacts, Json&) { artifacts[0]["graphs"][0]["signature"] = "x"; });
}

TEST(ReadBundle, RefusesMoreThanAManifestMayHold) {
  const auto refused = [](const char* part, auto change) {
    Json manifest = validManifest();
    change(manifest);
    expectMalformed(manifest, part);
  };
  refused("'artifacts' has 257 entries, at most 256 are allowed", [](Json& manifest) {
    manifest["artifacts"] = Json(std::vector<Json>(257, manifest["artifacts"][0]));
  });
  refused("'x' has more than 17179869184 bytes", [](Json& manifest) {
    manifest["signatures"][0]["inputs"][0]["shape"] = {-1, 2147483647, 3, 256};
  });
  refused("isn't a size from 0 to 17179869184",
          [](Json& manifest) { manifest["files"][0]["bytes"] = uint64_t{1} << 63; });
  refused("it is nested deeper than 32 levels", [](Json& manifest) {
    Json nested = 0;
    for (int i = 0; i < 32; ++i) nested = Json::array({nested});
    manifest["extra"] = nested;
  });
  refused("'manifest.json' in '",
          [](Json& manifest) { manifest["extra"] = std::string(std::size_t{4} << 20, 'x'); });
}

TEST(ReadBundle, ShowsNothingOfTheManifestThatIsLongOrNotPrintable) {
  Json manifest = validManifest();
  manifest["artifacts"][0]["verdict"] = "\x1b[31m\nfine";
  expectMalformed(manifest, "unknown verdict '?[31m?fine'");
  manifest = validManifest();
  manifest["artifacts"][0]["files"][0]["path"] = "../" + std::string(60, 'a') + "\xc3\xa4";
  expectMalformed(manifest, "path '../" + std::string(60, 'a') + "...' leaves the bundle");
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
  directory.write("golden.safetensors", "");
  Bundle bundle = readBundle(directory.path());
  EXPECT_AIOS_ERROR(checkFiles(bundle, true), kDataLoss, "litert/m.tflite");
  directory.write("litert/m.tflite", "abc");
  EXPECT_NO_THROW(checkFiles(bundle, false));
}

TEST(CheckFiles, RefusesMoreFilesInADirectoryThatIsAGraph) {
  const TemporaryDirectory directory;
  directory.write("golden.safetensors", "");
  directory.write("litert/m.tflite", "abc");
  std::filesystem::create_directories(directory.path() / "litert/assets");
  Json manifest = validManifest();
  manifest["artifacts"][0]["graphs"][0]["path"] = "litert";
  publish(directory, manifest.dump());
  Bundle bundle = readBundle(directory.path());
  EXPECT_NO_THROW(checkFiles(bundle, false));
  directory.write("litert/assets/fingerprint.pb", "");
  EXPECT_AIOS_ERROR(checkFiles(bundle, false), kDataLoss, "'litert/assets/fingerprint.pb'");
}

}  // namespace
}  // namespace aios::bundle
