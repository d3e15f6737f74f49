#include "server/api/workspace.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "expect_error.hpp"
#include "runtime/loaded_model.hpp"
#include "tiny_bundle.hpp"

namespace aios::server::api {
namespace {

TEST(Workspace, RefusesAnAnswerWhoseOutputsAreTooLargeTogether) {
  runtime::Contest contest;
  const std::vector<int64_t> row = {-1, 1}, gibibyte = {-1, 1 << 28};
  runtime::Endpoint endpoint(
      contest,
      {"serve",
       {{"x", DType::kFloat32, row}},
       {{"small", DType::kFloat32, row}, {"large", DType::kFloat32, gibibyte}}},
      0);
  Workspace workspace;
  workspace.start(endpoint.signature());
  workspace.input(0).push(1.0f);
  const std::vector<int64_t> shape = {1, 1};
  workspace.setShape(0, {shape.data(), shape.size()});
  EXPECT_AIOS_ERROR(workspace.run(endpoint), kOverloaded,
                    "with output 'large', float32[1,268435456], the answer would be more than");
}

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
