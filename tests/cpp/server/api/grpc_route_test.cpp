#include "server/api/grpc_route.hpp"

#include <gtest/gtest.h>

#include "expect_error.hpp"
#include "server/message.hpp"

namespace aios::server::api {
namespace {

Message spec(const char* name) { return Message().text(1, name); }
Message task(const Message& model_spec) { return Message().add(1, model_spec); }

TEST(GrpcRoute, IsOfTheModelThatAMessageNames) {
  const Route infer = grpcRouteOf(GrpcMethod::kModelInfer,
                                  Message().text(1, "m").text(2, "12").text(3, "id").bytes());
  EXPECT_EQ(infer.protocol, Protocol::kKServe);
  EXPECT_EQ(infer.model, "m");
  EXPECT_EQ(infer.version, 12);
  const Message labelled = spec("m").text(4, "stable");
  const Route predict = grpcRouteOf(GrpcMethod::kPredict, Message().add(1, labelled).bytes());
  EXPECT_EQ(predict.protocol, Protocol::kTensorFlowServing);
  EXPECT_EQ(predict.label, "stable");
  EXPECT_FALSE(predict.version.has_value());
  const Message tasks = Message().add(1, task(spec("m"))).add(1, task(spec("m")));
  EXPECT_EQ(grpcRouteOf(GrpcMethod::kMultiInference, tasks.bytes()).model, "m");
}

TEST(GrpcRoute, RefusesMessagesThatNameNoModelOrTwo) {
  EXPECT_AIOS_ERROR(grpcRouteOf(GrpcMethod::kModelInfer, ""), kInvalidArgument,
                    "expected a model_name");
  EXPECT_AIOS_ERROR(grpcRouteOf(GrpcMethod::kPredict, ""), kInvalidArgument,
                    "ModelSpec has no name specified.");
  EXPECT_AIOS_ERROR(grpcRouteOf(GrpcMethod::kMultiInference, ""), kInvalidArgument,
                    "at least one task");
  const Message tasks = Message().add(1, task(spec("m"))).add(1, task(spec("n")));
  EXPECT_AIOS_ERROR(grpcRouteOf(GrpcMethod::kMultiInference, tasks.bytes()), kInvalidArgument,
                    "must access the same model name");
  for (const char* version : {"x", "-1", "1 ", "99999999999999999999"}) {
    EXPECT_AIOS_ERROR(
        grpcRouteOf(GrpcMethod::kModelInfer, Message().text(1, "m").text(2, version).bytes()),
        kInvalidArgument, "failed to get model version from specified version string");
  }
}

}  // namespace
}  // namespace aios::server::api
