// The methods of gRPC that call models, and how all of them answer.
#pragma once

#include <optional>
#include <string_view>

#include "server/protocol/grpc.hpp"

namespace aios::server::api {

enum class GrpcMethod { kModelInfer, kPredict, kClassify, kRegress, kMultiInference };

struct HotMethod {
  GrpcMethod method = GrpcMethod::kModelInfer;
  bool is_streamed = false;  // ModelStreamInfer: each answer is wrapped, errors too
};

// By the path of a call; nothing for what Python answers.
std::optional<HotMethod> hotMethodOf(std::string_view path) noexcept;
protocol::GrpcKind grpcKindOf(std::string_view path) noexcept;

}  // namespace aios::server::api
