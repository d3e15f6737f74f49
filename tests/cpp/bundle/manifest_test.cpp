#include "bundle/manifest.hpp"

#include "bundle/valid_manifest.hpp"

namespace aios::bundle {
namespace {

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

TEST(CheckFiles, RefusesSymbolicLinks) {
  const TemporaryDirectory directory;
  directory.write("golden.safetensors", "");
  directory.write("elsewhere/m.tflite", "abc");
  std::filesystem::create_directory_symlink("elsewhere", directory.path() / "litert");
  publish(directory, validManifest().dump());
  Bundle bundle = readBundle(directory.path());
  EXPECT_AIOS_ERROR(checkFiles(bundle, true), kDataLoss, "is reached by a symbolic link");
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
