// libFuzzer's target for the whole protocol engine: whatever bytes a client sends, in whatever
// pieces, they are answered in HTTP, and none is the server's own fault.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "server/protocol/http1_connection.hpp"
#include "server/tiny_server.hpp"

namespace aios::server {
namespace {

constexpr std::size_t kMostBytes = 4096;

// Calls the tiny model; requests for Python are answered later, with their own body.
class FuzzedService : public protocol::Service {
 public:
  bool answer(const protocol::HttpRequest& request, protocol::HttpAnswer& answer) override {
    auto route = api::routeOf(request);
    waiting_ = request.waiter.request;
    if (!route.has_value()) return false;
    try {
      route->encodings = api::encodingsOf(request, kMostBytes);
    } catch (const protocol::HttpError& error) {
      answer = protocol::errorAnswer(error.status(), error.what());
      return true;
    }
    const auto found = tiny_.table().find(route->model, route->version, route->label);
    answer =
        found.model == nullptr
            ? api::notFound(*route, found)
            : caller_.answer(*found.model, {*route, request.inference_header_length, request.body});
    if (answer.status == 500) std::abort();
    return true;
  }
  bool call(const protocol::GrpcRequest&, protocol::GrpcAnswer&) override { return true; }
  uint64_t waiting() const { return waiting_; }

 private:
  uint64_t waiting_ = 0;  // the number of the last request
  TinyServer tiny_;
  api::Caller caller_{0};
};

void checkOutput(protocol::Connection& connection) {
  const std::string_view output = connection.output();
  if (!output.empty() && output.substr(0, 9) != "HTTP/1.1 ") std::abort();
  connection.sent(output.size());
}

protocol::HttpLimits smallLimits() {
  protocol::HttpLimits limits;
  limits.head_bytes = 2048;
  limits.headers = 32;
  limits.body_bytes = kMostBytes;
  limits.unread_bytes = 4096;
  return limits;
}

// The first byte says in how large pieces the others come.
void run(std::string_view bytes, std::size_t piece) {
  static FuzzedService service;
  static const protocol::HttpLimits limits = smallLimits();
  protocol::Http1Connection connection(service, limits);
  while (!bytes.empty() && !connection.isClosing()) {
    connection.feed(bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
    checkOutput(connection);
    while (connection.isWaiting()) {
      connection.complete(service.waiting(), protocol::HttpAnswer());
      checkOutput(connection);
    }
  }
  connection.timeOut();
  checkOutput(connection);
}

}  // namespace
}  // namespace aios::server

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  aios::server::run({reinterpret_cast<const char*>(data + 1), size - 1},
                    data[0] == 0 ? size : data[0]);
  return 0;
}
