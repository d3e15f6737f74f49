// The methods of gRPC that call models.
#pragma once

namespace aios::server::api {

enum class GrpcMethod { kModelInfer, kPredict, kClassify, kRegress, kMultiInference };

}  // namespace aios::server::api
