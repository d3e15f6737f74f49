#include "server/api/grpc_method.hpp"

#include <array>

namespace aios::server::api {
namespace {

using protocol::GrpcKind;

constexpr std::string_view kInference = "/inference.GRPCInferenceService/";
constexpr std::string_view kPrediction = "/tensorflow.serving.PredictionService/";

struct Row {
  std::string_view service;
  std::string_view name;
  HotMethod method;
};
constexpr std::array<Row, 6> kHot = {{
    {kInference, "ModelInfer", {GrpcMethod::kModelInfer, false}},
    {kInference, "ModelStreamInfer", {GrpcMethod::kModelInfer, true}},
    {kPrediction, "Predict", {GrpcMethod::kPredict, false}},
    {kPrediction, "Classify", {GrpcMethod::kClassify, false}},
    {kPrediction, "Regress", {GrpcMethod::kRegress, false}},
    {kPrediction, "MultiInference", {GrpcMethod::kMultiInference, false}},
}};

struct Stream {
  std::string_view path;
  GrpcKind kind;
};
constexpr std::array<Stream, 4> kStreams = {{
    {"/inference.GRPCInferenceService/ModelStreamInfer", GrpcKind::kEach},
    {"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", GrpcKind::kEach},
    {"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", GrpcKind::kEach},
    {"/grpc.health.v1.Health/Watch", GrpcKind::kUnending},
}};

}  // namespace

std::optional<HotMethod> hotMethodOf(std::string_view path) noexcept {
  for (const Row& row : kHot) {
    const bool is_same = path.size() == row.service.size() + row.name.size() &&
                         path.substr(0, row.service.size()) == row.service &&
                         path.substr(row.service.size()) == row.name;
    if (is_same) return row.method;
  }
  return std::nullopt;
}

GrpcKind grpcKindOf(std::string_view path) noexcept {
  for (const Stream& row : kStreams) {
    if (path == row.path) return row.kind;
  }
  return GrpcKind::kUnary;
}

}  // namespace aios::server::api
