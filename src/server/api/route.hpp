// Which requests call a model: the paths of TensorFlow Serving and of KServe v2.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "server/api/body_encoding.hpp"
#include "server/api/grpc_method.hpp"
#include "server/metrics.hpp"
#include "server/protocol/http1.hpp"
#include "server/shared_memory.hpp"

namespace aios::server::api {

// The model that a request calls, and how.
struct Route {
  Protocol protocol = Protocol::kKServe;
  Task task = Task::kPredict;
  std::string model;
  std::optional<int64_t> version;
  std::string label;  // TensorFlow Serving's: another name of a version
  BodyEncodings encodings;
  const SharedMemory* memory = nullptr;  // null where this client may use none
  std::optional<HotMethod> grpc;         // where the request came by gRPC
};

// Of `POST /v1/models/NAME[/versions/N|/labels/L]:predict`, `:classify`, `:regress`, and
// `POST /v2/models/NAME[/versions/N]/infer`; nothing for every other request.
std::optional<Route> routeOf(const protocol::HttpRequest& request);

}  // namespace aios::server::api
