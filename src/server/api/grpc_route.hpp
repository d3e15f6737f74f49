// Which model a message of gRPC calls.
#pragma once

#include <string_view>

#include "server/api/grpc_method.hpp"
#include "server/api/route.hpp"

namespace aios::server::api {

// Throws InvalidArgument for what isn't a message of this method, or names no model.
Route grpcRouteOf(GrpcMethod method, std::string_view message);

}  // namespace aios::server::api
