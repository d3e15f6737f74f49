#include "bundle/manifest_document.hpp"

#include <vector>

#include "bundle/valid_manifest.hpp"

namespace aios::bundle {
namespace {

TEST(ManifestDocument, RefusesAnotherFormatVersion) {
  Json manifest = validManifest();
  manifest["format_version"] = 2;
  const TemporaryDirectory directory;
  publish(directory, manifest.dump());
  EXPECT_AIOS_ERROR(readBundle(directory.path()), kUnsupported, "expected format_version 1, got 2");
}

TEST(ManifestDocument, NamesAMissingOrWrongMember) {
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

TEST(ManifestDocument, RefusesWhatIsEmptyOrThereTwice) {
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

TEST(ManifestDocument, RefusesMoreThanAManifestMayHold) {
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

TEST(ManifestDocument, RefusesTextThatIsNotJson) {
  const TemporaryDirectory directory;
  publish(directory, "{\"format_version\": 1,");
  EXPECT_AIOS_ERROR(readBundle(directory.path()), kDataLoss, "isn't JSON");
}

TEST(ManifestDocument, ChecksWhatOnlyPythonReads) {
  for (const auto& [key, value] : std::vector<std::pair<const char*, Json>>{
           {"labels", {1}}, {"provenance", Json::array()}, {"own_samples", {{"s", -1}}}}) {
    Json manifest = validManifest();
    manifest[key] = value;
    EXPECT_AIOS_ERROR(parseManifest(manifest.dump()), kDataLoss, std::string("'") + key + "'");
  }
  Json manifest = validManifest();
  manifest.update(
      {{"labels", {"a"}}, {"provenance", {{"aios", "1"}}}, {"own_samples", {{"s", 2}}}});
  EXPECT_EQ(parseManifest(manifest.dump()).golden, "golden.safetensors");
}

}  // namespace
}  // namespace aios::bundle
