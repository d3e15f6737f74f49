// gRPC's calls as a service sees them: one message in, one message or an error out.
#pragma once

#include <string>
#include <string_view>

#include "server/protocol/waiter.hpp"

namespace aios::server::protocol {

// Borrows what it was read from.
struct GrpcRequest {
  std::string_view path;  // "/inference.GRPCInferenceService/ModelInfer"
  std::string_view authorization;
  std::string_view traceparent;
  std::string_view message;  // protobuf, decompressed
  Waiter waiter;
};

// What is told a client.
struct GrpcAnswer {
  int code = 0;         // gRPC's; 0 is success
  std::string message;  // what went wrong
  std::string body;     // protobuf
};

}  // namespace aios::server::protocol
