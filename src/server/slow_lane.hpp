// Requests that the I/O threads don't answer themselves, on their way to Python.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "server/bounded_queue.hpp"
#include "server/protocol/http1.hpp"

namespace aios::server {

// Which request of which connection an answer is for.
struct Ticket {
  std::size_t loop = 0;
  uint64_t connection = 0;
  uint64_t request = 0;
};

// A request that owns its texts.
struct SlowRequest {
  SlowRequest(Ticket of, const protocol::HttpRequest& request)
      : ticket(of),
        method(request.method),
        target(request.target),
        authorization(request.authorization),
        content_type(request.content_type),
        host(request.host),
        origin(request.origin),
        body(request.body) {}

  Ticket ticket;
  std::string method;
  std::string target;
  std::string authorization;
  std::string content_type;
  std::string host;
  std::string origin;
  std::string body;
};

using SlowLane = BoundedQueue<SlowRequest>;

}  // namespace aios::server
