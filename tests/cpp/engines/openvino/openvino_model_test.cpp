#include "engines/openvino/openvino_model.hpp"

#include "expect_error.hpp"

namespace aios::engines {
namespace {

TEST(LoadOpenVinoModel, SaysHowToInstallTheLibraryThatIsMissing) {
  bundle::Artifact artifact;
  artifact.graphs = {bundle::Graph{}};
  EngineOptions options;
  options.library = "/nowhere/libopenvino_c.so";
  EXPECT_AIOS_ERROR(loadOpenVinoModel({}, artifact, options), kNotFound,
                    "pip install aios-cells[openvino]");
}

}  // namespace
}  // namespace aios::engines
