#include "engines/tensorflow/tensorflow_model.hpp"

#include "expect_error.hpp"

namespace aios::engines {
namespace {

TEST(LoadTensorFlowModel, SaysHowToInstallTheLibraryThatIsMissing) {
  bundle::Artifact artifact;
  artifact.graphs = {bundle::Graph{}};
  EngineOptions options;
  options.library = "/nowhere/libtensorflow_cc.so.2";
  EXPECT_AIOS_ERROR(loadTensorFlowModel({}, artifact, options), kNotFound,
                    "pip install aios-cells[tensorflow]");
}

TEST(DescribeSavedModel, NeedsTheLibraryToo) {
  EngineOptions options;
  options.library = "/nowhere/libtensorflow_cc.so.2";
  EXPECT_AIOS_ERROR(describeSavedModel("saved", {"serve"}, options), kNotFound,
                    "AIOS_TENSORFLOW_LIBRARY");
}

}  // namespace
}  // namespace aios::engines
