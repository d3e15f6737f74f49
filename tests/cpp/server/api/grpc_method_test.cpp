#include "server/api/grpc_method.hpp"

#include <gtest/gtest.h>

namespace aios::server::api {
namespace {

using protocol::GrpcKind;

TEST(GrpcMethod, KnowsTheMethodsThatCallModels) {
  const auto predict = hotMethodOf("/tensorflow.serving.PredictionService/Predict");
  ASSERT_TRUE(predict.has_value());
  EXPECT_EQ(predict->method, GrpcMethod::kPredict);
  EXPECT_FALSE(predict->is_streamed);
  const auto stream = hotMethodOf("/inference.GRPCInferenceService/ModelStreamInfer");
  ASSERT_TRUE(stream.has_value());
  EXPECT_EQ(stream->method, GrpcMethod::kModelInfer);
  EXPECT_TRUE(stream->is_streamed);
  EXPECT_EQ(hotMethodOf("/tensorflow.serving.PredictionService/MultiInference")->method,
            GrpcMethod::kMultiInference);
}

TEST(GrpcMethod, LeavesTheOthersToPython) {
  for (const char* path :
       {"", "/", "/inference.GRPCInferenceService/", "/inference.GRPCInferenceService/ServerLive",
        "/inference.GRPCInferenceService/ModelInferX", "inference.GRPCInferenceService/ModelInfer",
        "/tensorflow.serving.PredictionService/GetModelMetadata"}) {
    EXPECT_FALSE(hotMethodOf(path).has_value()) << path;
  }
}

TEST(GrpcMethod, KnowsWhatIsAStream) {
  EXPECT_EQ(grpcKindOf("/inference.GRPCInferenceService/ModelInfer"), GrpcKind::kUnary);
  EXPECT_EQ(grpcKindOf("/inference.GRPCInferenceService/ModelStreamInfer"), GrpcKind::kEach);
  EXPECT_EQ(grpcKindOf("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"),
            GrpcKind::kEach);
  EXPECT_EQ(grpcKindOf("/grpc.health.v1.Health/Watch"), GrpcKind::kUnending);
  EXPECT_EQ(grpcKindOf("/grpc.health.v1.Health/Check"), GrpcKind::kUnary);
}

}  // namespace
}  // namespace aios::server::api
