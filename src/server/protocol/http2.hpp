// HTTP/2 where the extension was built with it.
#pragma once

#include <memory>

#include "server/protocol/connection.hpp"

namespace aios::server::protocol {

// Built without nghttp2, a server speaks no gRPC.
bool hasHttp2() noexcept;
// A connection that speaks gRPC over HTTP/2, or null without nghttp2. Both outlive it.
std::unique_ptr<Connection> http2Connection(Service& service, const HttpLimits& limits);

}  // namespace aios::server::protocol
