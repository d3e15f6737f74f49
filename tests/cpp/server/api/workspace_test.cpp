#include "server/api/workspace.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "expect_error.hpp"
#include "runtime/loaded_model.hpp"
#include "tiny_bundle.hpp"

namespace aios::server::api {
namespace {

TEST(Workspace, RefusesManyRowsThatHaveNoElements) {
  const TinyBundle bundle;
  auto manifest = bundle.manifest();
  manifest["signatures"][0]["inputs"][0]["shape"] = {-1, -1};
  bundle.publish(manifest);
  CellOptions options;
  options.engine = "compiled";
  const auto model = runtime::LoadedModel::load(bundle.path().string(), {}, options);
  Workspace workspace;
  workspace.start(model->endpoint().signature());
  const std::vector<int64_t> shape = {300000, 0};
  workspace.setShape(0, {shape.data(), shape.size()});
  EXPECT_AIOS_ERROR(workspace.run(model->endpoint()), kInvalidArgument,
                    "a batch of 300000 samples without elements");
}

}  // namespace
}  // namespace aios::server::api
