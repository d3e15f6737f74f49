#include "runtime/shape_routes.hpp"

#include <gtest/gtest.h>

#include "runtime/endpoint.hpp"
#include "runtime/function_model.hpp"

namespace aios::runtime {
namespace {

TEST(ShapeRoutes, KnowsTheEngineOfExactlyTheShapesThatItWasTold) {
  const Signature signature = {"serve", {{"x", DType::kFloat32, {-1}}}, {}};
  Runner runner(std::make_shared<FunctionModel>(Answer()), signature, 1);
  ShapeRoutes routes(4);
  const auto of = [](std::vector<int64_t> shape) {
    const std::vector<Tensor> x = zeros({{"x", DType::kFloat32, std::move(shape)}});
    return fingerprintOf(viewsOf(x));
  };
  EXPECT_EQ(routes.find(of({1, 2})), nullptr);
  routes.remember(of({1, 2}), runner);
  EXPECT_EQ(routes.find(of({1, 2})), &runner);
  EXPECT_EQ(routes.find(of({2, 1})), nullptr);
}

}  // namespace
}  // namespace aios::runtime
