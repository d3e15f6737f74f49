#include "server/api/route.hpp"

#include <gtest/gtest.h>

namespace aios::server::api {
namespace {

std::optional<Route> routed(const std::string& target, const std::string& method = "POST") {
  protocol::HttpRequest request;
  request.method = method;
  request.target = target;
  return routeOf(request);
}

TEST(Route, FindsModelVersionAndLabel) {
  EXPECT_EQ(routed("/v1/models/m:predict")->model, "m");
  EXPECT_EQ(routed("/v1/models/m:predict")->protocol, Protocol::kTensorFlowServing);
  EXPECT_EQ(routed("/v1/models/m/versions/12:predict")->version, 12);
  EXPECT_EQ(routed("/v1/models/m/labels/stable:predict")->label, "stable");
  EXPECT_EQ(routed("/v2/models/m/infer")->protocol, Protocol::kKServe);
  EXPECT_EQ(routed("/v2/models/m/versions/3/infer?x=1")->version, 3);
}

TEST(Route, FindsTheTask) {
  EXPECT_EQ(routed("/v1/models/m:predict")->task, Task::kPredict);
  EXPECT_EQ(routed("/v1/models/m/versions/1:classify")->task, Task::kClassify);
  EXPECT_EQ(routed("/v1/models/m/labels/a:regress")->task, Task::kRegress);
  EXPECT_EQ(routed("/v2/models/m/infer")->task, Task::kPredict);
}

TEST(Route, DecodesNames) {
  EXPECT_EQ(routed("/v1/models/a%20b%2Fc:predict")->model, "a b/c");
  EXPECT_FALSE(routed("/v1/models/a%2:predict"));
  EXPECT_FALSE(routed("/v1/models/a%zz:predict"));
}

TEST(Route, LeavesEveryOtherRequest) {
  for (const char* target :
       {"/", "/v1/models/m", "/v1/models/:predict", "/v1/models/m:explain", "/v2/models//infer",
        "/v2/models/m/versions/x/infer", "/v2/models/m/versions/-1/infer", "/v2/models/m/ready",
        "/v2/models/m/labels/a/infer", "/v1/models/m/versions/99999999999999999999:predict",
        "/v1/models/m/labels/a/b:predict", "/v1/models/m/other:predict"}) {
    EXPECT_FALSE(routed(target)) << target;
  }
  EXPECT_FALSE(routed("/v1/models/m:predict", "GET"));
}

}  // namespace
}  // namespace aios::server::api
