#include "server/dispatcher.hpp"

#include <utility>

#include "server/api/grpc_caller.hpp"
#include "server/api/grpc_route.hpp"
#include "server/api/kserve_urgency.hpp"

namespace aios::server {
namespace {

// Handing a call to another thread and back costs about 10 µs; a longer one would keep too many
// connections waiting.
constexpr double kLongestInPlaceUs = 30;

// A body that would take too long to read.
constexpr std::size_t kLargestInPlace = 64 << 10;

// What Python is asked is small; many of them may wait.
constexpr std::size_t kLargestSlowBody = std::size_t{1} << 20;

// Whether a call is certainly long, before its body is read.
bool isLong(const ServedModel& model, std::string_view body) {
  return body.size() > kLargestInPlace ||
         model.model().endpoint().expectedUs(1) > kLongestInPlaceUs;
}

runtime::Urgency urgencyOf(const api::Call& call) {
  if (call.route.protocol != Protocol::kKServe) return {};
  const auto now = runtime::Urgency::Clock::now();
  return call.route.grpc.has_value() ? api::kserve::urgencyOfMessage(call.body, now)
                                     : api::kserve::urgencyOf(call, now);
}

}  // namespace

std::shared_ptr<const ModelTable> Dispatcher::use(std::shared_ptr<const ModelTable> table) {
  return std::exchange(table_, std::move(table));
}

Ticket Dispatcher::ticketOf(const protocol::Waiter& waiter) const {
  return {loop_, connection_, waiter.request, waiter.deadline,
          waiter.cancellation == nullptr ? nullptr : waiter.cancellation->flag()};
}

bool Dispatcher::call(const protocol::GrpcRequest& request, protocol::GrpcAnswer& answer) {
  called_ = {};
  if (clients_ != nullptr && clients_->take(*peer_, ClientLimits::Clock::now()) > 0) {
    answer = api::grpcFailure(ErrorCode::kOverloaded,
                              "too many requests of this client; try again a little later");
    return true;
  }
  if (const std::optional<api::HotMethod> method = api::hotMethodOf(request.path)) {
    if (policy_->mayInfer(request.authorization)) return callModel(*method, request, answer);
    answer = api::grpcTokenNeeded();
    return true;
  }
  if (request.message.size() > kLargestSlowBody) {
    answer = api::grpcFailure(
        ErrorCode::kOverloaded,
        "expected a message of at most " + std::to_string(kLargestSlowBody) + " bytes here");
    return true;
  }
  const Scope granted = policy_->granted(request, *peer_);
  if (slow_lane_.push(SlowRequest(ticketOf(request.waiter), request, granted))) return false;
  answer = api::grpcFailure(ErrorCode::kUnavailable, "too many requests wait; try again");
  return true;
}

bool Dispatcher::callModel(const api::HotMethod& method, const protocol::GrpcRequest& request,
                           protocol::GrpcAnswer& answer) try {
  api::Route route = api::grpcRouteOf(method.method, request.message);
  route.grpc = method;
  ModelTable::Found found = table_->find(route.model, route.version, route.label);
  if (found.model == nullptr) {
    answer = api::inFormOf(method, api::grpcNotFound(route, found));
    return true;
  }
  called_ = {found.model.get(), route.protocol};
  api::Call call{std::move(route), std::nullopt, request.message};
  if (in_place_ && !isLong(*found.model, request.message)) {
    std::optional<protocol::GrpcAnswer> now =
        caller_.callWithin(kLongestInPlaceUs, *found.model, call);
    if (now.has_value()) {
      answer = std::move(*now);
      return true;
    }
  }
  const runtime::Urgency urgency = urgencyOf(call);
  if (workers_.submit({ticketOf(request.waiter), std::move(found.model), std::move(call.route),
                       std::nullopt, std::string(request.message), urgency})) {
    return false;
  }
  answer = api::inFormOf(method, api::grpcOverloaded());
  return true;
} catch (const Error& error) {
  answer = api::inFormOf(method, api::grpcFailure(error.code(), error.what()));
  return true;
}

bool Dispatcher::refuses(const protocol::HttpRequest& head, protocol::HttpAnswer& answer) {
  called_ = {};
  if (policy_->mayInfer(head.authorization)) return false;
  answer = tokenNeeded();
  return true;
}

bool Dispatcher::refusesCall(const protocol::GrpcRequest& head, protocol::GrpcAnswer& answer) {
  called_ = {};
  // Some others, as of health, are for everybody.
  const bool is_models = api::hotMethodOf(head.path).has_value();
  if (!is_models || policy_->mayInfer(head.authorization)) return false;
  answer = api::grpcTokenNeeded();
  return true;
}

bool Dispatcher::answer(const protocol::HttpRequest& request, protocol::HttpAnswer& answer) {
  called_ = {};
  if (clients_ != nullptr) {
    const double wait_s = clients_->take(*peer_, ClientLimits::Clock::now());
    if (wait_s > 0) {
      answer = tooManyRequests(wait_s);
      return true;
    }
  }
  std::optional<api::Route> route = api::routeOf(request);
  if (route.has_value()) {
    if (policy_->mayInfer(request.authorization)) {
      return callModel(std::move(*route), request, answer);
    }
    answer = tokenNeeded();
    return true;
  }
  if (request.body.size() > kLargestSlowBody) {
    answer = protocol::errorAnswer(
        413, "expected a body of at most " + std::to_string(kLargestSlowBody) + " bytes here");
    return true;
  }
  const Scope granted = policy_->granted(request, *peer_);
  if (slow_lane_.push(SlowRequest(ticketOf(request.waiter), request, granted))) return false;
  answer = protocol::errorAnswer(503, "too many requests wait; try again");
  return true;
}

bool Dispatcher::callModel(api::Route route, const protocol::HttpRequest& request,
                           protocol::HttpAnswer& answer) try {
  route.encodings = api::encodingsOf(request, most_bytes_);
  const bool is_direct = peer_->is_local && request.origin.empty() && request.forwarded.empty();
  if (policy_->needsToken() || is_direct) route.memory = memory_;
  ModelTable::Found found = table_->find(route.model, route.version, route.label);
  if (found.model == nullptr) {
    answer = api::notFound(route, found);
    return true;
  }
  called_ = {found.model.get(), route.protocol};
  api::Call call{std::move(route), request.inference_header_length, request.body};
  if (in_place_ && !isLong(*found.model, request.body)) {
    std::optional<protocol::HttpAnswer> now =
        caller_.answerWithin(kLongestInPlaceUs, *found.model, call);
    if (now.has_value()) {
      answer = std::move(*now);
      return true;
    }
  }
  const Protocol protocol = call.route.protocol;
  const std::shared_ptr<const ServedModel> model = found.model;
  const runtime::Urgency urgency = urgencyOf(call);
  if (workers_.submit({ticketOf(request.waiter), std::move(found.model), std::move(call.route),
                       request.inference_header_length, std::string(request.body), urgency})) {
    return false;
  }
  model->executions(loop_).countRefused();
  answer = api::overloaded(protocol);
  return true;
} catch (const protocol::HttpError& error) {
  answer = protocol::errorAnswer(error.status(), error.what());
  return true;
}

}  // namespace aios::server
