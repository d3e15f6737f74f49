// Requests that the I/O threads don't answer themselves, on their way to Python.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "server/access.hpp"
#include "server/bounded_queue.hpp"
#include "server/protocol/grpc.hpp"
#include "server/protocol/http1.hpp"

namespace aios::server {

// Which request of which connection an answer is for, and how long anybody waits for it.
struct Ticket {
  std::size_t loop = 0;
  uint64_t connection = 0;
  uint64_t request = 0;
  protocol::Clock::time_point deadline = protocol::Clock::time_point::max();
  protocol::CancelFlag cancelled = nullptr;  // null where nobody can tell

  // Where it is, the answer reaches nobody.
  bool isCancelled() const noexcept {
    return cancelled != nullptr && cancelled->load(std::memory_order_relaxed);
  }
};

// A request that owns its texts.
struct SlowRequest {
  SlowRequest(Ticket of, const protocol::HttpRequest& request, Scope may)
      : ticket(of),
        granted(may),
        method(request.method),
        target(request.target),
        accept_encoding(request.accept_encoding),
        authorization(request.authorization),
        content_encoding(request.content_encoding),
        content_type(request.content_type),
        host(request.host),
        origin(request.origin),
        body(request.body) {}

  SlowRequest(Ticket of, const protocol::GrpcRequest& request, Scope scope)
      : ticket(of),
        granted(scope),
        is_grpc(true),
        method("GRPC"),
        target(request.path),
        authorization(request.authorization),
        body(request.message) {}

  Ticket ticket;
  Scope granted;
  bool is_grpc = false;  // the target is the method's path, the body a message
  std::string method;
  std::string target;
  std::string accept_encoding;
  std::string authorization;
  std::string content_encoding;
  std::string content_type;
  std::string host;
  std::string origin;
  std::string body;
};

using SlowLane = BoundedQueue<SlowRequest>;

}  // namespace aios::server
