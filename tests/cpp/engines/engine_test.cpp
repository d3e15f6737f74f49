#include "engines/engine.hpp"

#include "expect_error.hpp"

namespace aios::engines {
namespace {

bundle::Artifact artifactFor(const std::string& engine) {
  bundle::Artifact artifact;
  artifact.engine = engine;
  artifact.files = {{"m", 0, ""}};
  artifact.graphs = {bundle::Graph{}};
  return artifact;
}

TEST(LoadModel, NamesAnEngineThatIsNotInThisBuild) {
  EXPECT_AIOS_ERROR(
      loadModel({}, artifactFor("abacus"), {}), kNotFound,
      "engine 'abacus' isn't part of this build; it has: compiled, litert, openvino, ");
}

TEST(LoadModel, SaysHowToInstallAnEngineWhoseLibraryIsMissing) {
  EngineOptions options;
  options.library = "/nowhere/libLiteRt.so";
  EXPECT_AIOS_ERROR(loadModel({}, artifactFor("litert"), options), kNotFound,
                    "pip install aios-cells[litert]");
}

TEST(LoadModel, NamesTheSymbolThatAnotherLibraryLacks) {
  EngineOptions options;
  options.library = "libm.so.6";
  EXPECT_AIOS_ERROR(loadModel({}, artifactFor("litert"), options), kUnsupported,
                    "has no symbol 'LiteRtCreateEnvironment'");
}

TEST(LoadModel, SaysHowToInstallOpenVino) {
  EngineOptions options;
  options.library = "/nowhere/libopenvino_c.so";
  EXPECT_AIOS_ERROR(loadModel({}, artifactFor("openvino"), options), kNotFound,
                    "pip install aios-cells[openvino]");
}

TEST(LoadModel, NamesTheSymbolOfOpenVinoThatAnotherLibraryLacks) {
  EngineOptions options;
  options.library = "libm.so.6";
  EXPECT_AIOS_ERROR(loadModel({}, artifactFor("openvino"), options), kUnsupported,
                    "has no symbol 'ov_core_create'");
}

}  // namespace
}  // namespace aios::engines
