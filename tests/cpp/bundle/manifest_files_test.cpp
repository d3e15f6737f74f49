#include "bundle/manifest_files.hpp"

#include "bundle/valid_manifest.hpp"

namespace aios::bundle {
namespace {

TEST(ManifestFiles, RefusesPathsThatLeaveTheBundle) {
  for (const char* path : {"../secret", "/etc/passwd", "a/../../b", ".", "a//b", "a/", "./a"}) {
    Json manifest = validManifest();
    manifest["artifacts"][0]["files"][0]["path"] = path;
    expectMalformed(manifest, "leaves the bundle");
  }
}

TEST(ManifestFiles, HaveASizeAndASha256) {
  const std::string digest(64, 'a');
  const Json object = {{"files", {{{"path", "a/b"}, {"bytes", 7}, {"sha256", digest}}}}};
  const std::vector<FileRecord> files = parseFiles(object);
  ASSERT_EQ(files.size(), 1U);
  EXPECT_EQ(files[0].path, "a/b");
  EXPECT_EQ(files[0].bytes, 7U);
  EXPECT_EQ(files[0].sha256, digest);
  for (const Json& wrong : {Json(std::string(63, 'a')), Json(std::string(64, 'A')), Json(5)}) {
    Json changed = object;
    changed["files"][0]["sha256"] = wrong;
    EXPECT_AIOS_ERROR(parseFiles(changed), kDataLoss, "'sha256' of 'a/b' isn't a SHA-256");
  }
}

}  // namespace
}  // namespace aios::bundle
