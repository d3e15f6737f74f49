#include "server/dispatcher.hpp"

#include <algorithm>
#include <utility>

namespace aios::server {
namespace {

// Handing a call to another thread and back costs about 10 µs; a longer one would keep too many
// connections waiting.
constexpr double kLongestInPlaceUs = 30;

// How many samples a body has at most, roughly: of JSON two bytes a number is the least.
int64_t samplesIn(const ServedModel& model, const protocol::HttpRequest& request) {
  std::size_t sample_bytes = 0;
  for (const TensorSpec& spec : model.model().endpoint().signature().inputs) {
    std::size_t bytes = byteSize(spec.dtype);
    for (std::size_t axis = 1; axis < spec.shape.size(); ++axis) {
      bytes *= static_cast<std::size_t>(std::max<int64_t>(spec.shape[axis], 1));
    }
    sample_bytes += bytes;
  }
  return static_cast<int64_t>(std::max<std::size_t>(request.body.size() / (sample_bytes + 1), 1));
}

bool isLong(const ServedModel& model, const protocol::HttpRequest& request) {
  const runtime::Endpoint& endpoint = model.model().endpoint();
  return !(endpoint.expectedUs(samplesIn(model, request)) <= kLongestInPlaceUs);
}

}  // namespace

std::shared_ptr<const ModelTable> Dispatcher::use(std::shared_ptr<const ModelTable> table) {
  return std::exchange(table_, std::move(table));
}

bool Dispatcher::answer(const protocol::HttpRequest& request, protocol::HttpAnswer& answer) {
  std::optional<api::Route> route = api::routeOf(request);
  if (route.has_value()) return callModel(std::move(*route), request, answer);
  if (slow_lane_.push(SlowRequest(ticket_, request))) return false;
  answer = protocol::errorAnswer(503, "too many requests wait; try again");
  return true;
}

bool Dispatcher::callModel(api::Route route, const protocol::HttpRequest& request,
                           protocol::HttpAnswer& answer) {
  if (!request.content_encoding.empty() && request.content_encoding != "identity") {
    answer = protocol::errorAnswer(
        415, "Content-Encoding: expected none, got " + std::string(request.content_encoding));
    return true;
  }
  ModelTable::Found found = table_->find(route.model, route.version, route.label);
  if (found.model == nullptr) {
    answer = api::notFound(route, found);
    return true;
  }
  if (!isLong(*found.model, request)) {
    answer = caller_.answer(*found.model,
                            {std::move(route), request.inference_header_length, request.body});
    return true;
  }
  const Protocol protocol = route.protocol;
  if (workers_.submit({ticket_, std::move(found.model), std::move(route),
                       request.inference_header_length, std::string(request.body)})) {
    return false;
  }
  answer = api::overloaded(protocol);
  return true;
}

}  // namespace aios::server
