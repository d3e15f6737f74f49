#include "server/request_observer.hpp"

#include <algorithm>
#include <new>
#include <utility>

namespace aios::server {
namespace {

// As nginx logs a client that left.
constexpr int kClientLeft = 499;
constexpr int kGrpcCancelled = 1;

constexpr const char* kGrpc = "GRPC";

protocol::CancelFlag flagOf(const protocol::Waiter& waiter) {
  return waiter.cancellation == nullptr ? nullptr : waiter.cancellation->flag();
}

}  // namespace

RequestObserver::Result RequestObserver::resultOf(const protocol::HttpAnswer& answer) noexcept {
  return {answer.status, answer.body.size()};
}

RequestObserver::Result RequestObserver::resultOf(const protocol::GrpcAnswer& answer) noexcept {
  return {answer.code, answer.body.size()};
}

RequestObserver::Pending RequestObserver::begin(const protocol::Waiter& waiter) {
  Pending pending;
  pending.request = waiter.request;
  pending.known.begin = std::chrono::system_clock::now();
  return pending;
}

template <typename Note>
void RequestObserver::orDrop(const Note& note) noexcept {
  try {
    note();
  } catch (const std::bad_alloc&) {
    log_.countDropped();
  }
}

void RequestObserver::know(const protocol::HttpRequest& request, Pending& pending) {
  pending.known.method = request.method;
  pending.known.target = request.target;
  pending.known.traceparent = request.traceparent;
}

bool RequestObserver::answer(const protocol::HttpRequest& request, protocol::HttpAnswer& answer) {
  Pending pending = begin(request.waiter);
  const bool is_answered = dispatcher_.answer(request, answer);
  orDrop([&] {
    know(request, pending);
    if (!is_answered) pending.given_up = flagOf(request.waiter);
    note(std::move(pending), is_answered ? std::optional<Result>(resultOf(answer)) : std::nullopt);
  });
  return is_answered;
}

bool RequestObserver::refuses(const protocol::HttpRequest& head, protocol::HttpAnswer& answer) {
  if (!dispatcher_.refuses(head, answer)) return false;
  orDrop([&] {
    Pending pending = begin(head.waiter);
    know(head, pending);
    note(std::move(pending), resultOf(answer));
  });
  return true;
}

void RequestObserver::know(const protocol::GrpcRequest& request, Pending& pending) {
  pending.known.method = kGrpc;
  pending.known.target = request.path;
  pending.known.traceparent = request.traceparent;
}

bool RequestObserver::refusesCall(const protocol::GrpcRequest& head, protocol::GrpcAnswer& answer) {
  if (!dispatcher_.refusesCall(head, answer)) return false;
  orDrop([&] {
    Pending pending = begin(head.waiter);
    know(head, pending);
    note(std::move(pending), resultOf(answer));
  });
  return true;
}

bool RequestObserver::call(const protocol::GrpcRequest& request, protocol::GrpcAnswer& answer) {
  Pending pending = begin(request.waiter);
  const bool is_answered = dispatcher_.call(request, answer);
  orDrop([&] {
    know(request, pending);
    if (!is_answered) pending.given_up = flagOf(request.waiter);
    note(std::move(pending), is_answered ? std::optional<Result>(resultOf(answer)) : std::nullopt);
  });
  return is_answered;
}

void RequestObserver::note(Pending&& pending, const std::optional<Result>& result) {
  const bool is_grpc = pending.known.method == kGrpc;
  const Dispatcher::Called& called = dispatcher_.lastCalled();
  pending.known.client = describe(*peer_);
  pending.known.protocol = is_grpc ? "grpc" : "http";
  if (called.model != nullptr) {
    const Transport transport = is_grpc ? Transport::kGrpc : Transport::kHttp;
    pending.known.protocol = name(called.protocol, transport);
    pending.known.model = called.model->name();
    pending.known.version = called.model->version();
  }
  if (result.has_value()) {
    finish(std::move(pending), *result);
  } else {
    std::vector<Pending>& waiting = waiting_[connection_];
    finishGivenUp(waiting);
    waiting.push_back(std::move(pending));
  }
}

// Whom nobody waits for no worker answers: of a connection that stays, they would pile up.
void RequestObserver::finishGivenUp(std::vector<Pending>& waiting) noexcept {
  const auto gone = std::partition(waiting.begin(), waiting.end(), [](const Pending& pending) {
    return pending.given_up == nullptr || !pending.given_up->load(std::memory_order_relaxed);
  });
  std::for_each(gone, waiting.end(),
                [this](Pending& pending) { finishUnanswered(std::move(pending)); });
  waiting.erase(gone, waiting.end());
}

void RequestObserver::complete(uint64_t connection, uint64_t request,
                               const protocol::Answer& answer) {
  const auto of_connection = waiting_.find(connection);
  if (of_connection == waiting_.end()) return;
  std::vector<Pending>& waiting = of_connection->second;
  const auto found = std::find_if(waiting.begin(), waiting.end(), [&](const Pending& pending) {
    return pending.request == request;
  });
  if (found == waiting.end()) return;
  const Result result = std::visit([](const auto& given) { return resultOf(given); }, answer);
  orDrop([&] { finish(std::move(*found), result); });
  waiting.erase(found);
  if (waiting.empty()) waiting_.erase(of_connection);
}

void RequestObserver::forget(uint64_t connection) {
  const auto found = waiting_.find(connection);
  if (found == waiting_.end()) return;
  for (Pending& pending : found->second) finishUnanswered(std::move(pending));
  waiting_.erase(found);
}

void RequestObserver::finishUnanswered(Pending&& pending) noexcept {
  // gRPC has a code for it.
  const int status = pending.known.method == kGrpc ? kGrpcCancelled : kClientLeft;
  orDrop([&] { finish(std::move(pending), {status, 0}); });
}

void RequestObserver::finish(Pending&& pending, const Result& result) {
  pending.known.took = Clock::now() - pending.begin;
  pending.known.status = result.status;
  pending.known.bytes = result.bytes;
  log_.append(std::move(pending.known));
}

}  // namespace aios::server
