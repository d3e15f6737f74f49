#include "engines/litert/litert_model.hpp"

#include "expect_error.hpp"

namespace aios::engines {
namespace {

TEST(LoadLiteRtModel, SaysHowToInstallTheLibraryThatIsMissing) {
  bundle::Artifact artifact;
  artifact.graphs = {bundle::Graph{}};
  EngineOptions options;
  options.library = "/nowhere/libLiteRt.so";
  EXPECT_AIOS_ERROR(loadLiteRtModel({}, artifact, options), kNotFound,
                    "pip install aios-cells[litert]");
}

}  // namespace
}  // namespace aios::engines
