#include "bundle/manifest_signatures.hpp"

#include "bundle/valid_manifest.hpp"

namespace aios::bundle {
namespace {

TEST(ManifestSignatures, RefusesADTypeFromTheFuture) {
  Json manifest = validManifest();
  manifest["signatures"][0]["inputs"][0]["dtype"] = "float4";
  const TemporaryDirectory directory;
  publish(directory, manifest.dump());
  EXPECT_AIOS_ERROR(readBundle(directory.path()), kUnsupported, "'float4'");
}

TEST(ManifestSignatures, KeepTheOrderOfTheirTensors) {
  const auto spec = [](const char* name, const char* dtype) {
    return Json{{"name", name}, {"dtype", dtype}, {"shape", {-1, 3}}};
  };
  const Json json = {{"signatures",
                      {{{"name", "s"},
                        {"inputs", {spec("z", "int64"), spec("a", "string")}},
                        {"outputs", {spec("y", "bfloat16")}}}}}};
  const std::vector<Signature> signatures = parseSignatures(json);
  ASSERT_EQ(signatures.size(), 1U);
  EXPECT_EQ(signatures[0].inputs[0].name, "z");
  EXPECT_EQ(describe(signatures[0].inputs[1]), "string[-1,3]");
  EXPECT_EQ(describe(signatures[0].outputs[0]), "bfloat16[-1,3]");
}

TEST(ManifestSignatures, MayHaveATensorOfNothingAndNoneOfTooMuch) {
  Json manifest = validManifest();
  Json& shape = manifest["signatures"][0]["inputs"][0]["shape"];
  shape = {0, 2147483647, 2147483647};
  EXPECT_EQ(parseSignatures(manifest)[0].inputs[0].shape[0], 0);
  shape = Json(std::vector<int>(9, 1));
  EXPECT_AIOS_ERROR(parseSignatures(manifest), kDataLoss, "'x' has too many dimensions");
}

}  // namespace
}  // namespace aios::bundle
