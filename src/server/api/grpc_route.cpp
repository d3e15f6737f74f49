#include "server/api/grpc_route.hpp"

#include <charconv>
#include <utility>

#include "aios/error.hpp"
#include "server/api/model_spec.hpp"
#include "server/wire/protobuf.hpp"

namespace aios::server::api {
namespace {

using wire::bytesTag;
using wire::MergedMessage;
using wire::ProtobufReader;

// Of ModelInferRequest, and of TensorFlow Serving's requests.
constexpr uint32_t kModelName = 1, kModelVersion = 2;
constexpr uint32_t kModelSpec = 1, kTasks = 1, kTaskModelSpec = 1;

[[noreturn]] void refuse(const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument, message);
}

int64_t versionOf(std::string_view text) {
  int64_t version = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, version);
  if (error == std::errc() && stop == end && version >= 0) return version;
  refuse("failed to get model version from specified version string '" + std::string(text) +
         "': expected a whole number");
}

Route kserveRoute(std::string_view message) {
  Route route;
  std::string_view version;
  ProtobufReader reader(message);
  while (reader.next()) {
    if (reader.tag() == bytesTag(kModelName)) {
      route.model = reader.bytes();
    } else if (reader.tag() == bytesTag(kModelVersion)) {
      version = reader.bytes();
    }
  }
  if (route.model.empty()) refuse("expected a model_name, got none");
  if (!version.empty()) route.version = versionOf(version);
  return route;
}

Route routeOfSpec(std::string_view message) {
  const ModelSpec spec = readModelSpec(message);
  if (spec.name.empty()) refuse("ModelSpec has no name specified.");
  Route route;
  route.protocol = Protocol::kTensorFlowServing;
  route.model = spec.name;
  route.version = spec.version;
  route.label = spec.label;
  return route;
}

bool isSame(const Route& one, const Route& other) {
  return one.model == other.model && one.version == other.version && one.label == other.label;
}

Route routeOfTasks(std::string_view message) {
  std::optional<Route> route;
  ProtobufReader reader(message);
  while (reader.next()) {
    if (reader.tag() != bytesTag(kTasks)) continue;
    const MergedMessage spec(reader.bytes(), kTaskModelSpec);
    Route next = routeOfSpec(spec.bytes());
    if (!route.has_value()) {
      route = std::move(next);
    } else if (!isSame(*route, next)) {
      refuse("All ModelSpecs in a MultiInferenceRequest must access the same model name.");
    }
  }
  if (route.has_value()) return *std::move(route);
  refuse("expected at least one task in a MultiInferenceRequest");
}

}  // namespace

Route grpcRouteOf(GrpcMethod method, std::string_view message) {
  if (method == GrpcMethod::kModelInfer) return kserveRoute(message);
  if (method == GrpcMethod::kMultiInference) return routeOfTasks(message);
  const MergedMessage spec(message, kModelSpec);
  return routeOfSpec(spec.bytes());
}

}  // namespace aios::server::api
