#include "server/metrics.hpp"

#include <algorithm>
#include <ctime>
#include <numeric>

namespace aios::server {
namespace {

std::size_t placeOf(Protocol protocol, Transport transport) noexcept {
  return static_cast<std::size_t>(protocol) * kTransports + static_cast<std::size_t>(transport);
}

// As exact as a tick, and several times cheaper than the exact time.
uint64_t nowMs() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1000 + static_cast<uint64_t>(now.tv_nsec) / 1000000;
}

}  // namespace

const char* name(Protocol protocol, Transport transport) noexcept {
  const bool is_grpc = transport == Transport::kGrpc;
  if (protocol == Protocol::kKServe) return is_grpc ? "kserve-grpc" : "kserve";
  return is_grpc ? "tensorflow-serving-grpc" : "tensorflow-serving";
}

const char* name(Task task) noexcept {
  constexpr std::array<const char*, kTasks> kNames = {"predict", "classify", "regress"};
  return kNames[static_cast<std::size_t>(task)];
}

Outcome outcomeOf(int http_status) noexcept {
  if (http_status < 400) return Outcome::kOk;
  return http_status < 500 ? Outcome::kClientError : Outcome::kServerError;
}

uint64_t CallTotals::answered() const noexcept {
  return std::accumulate(latency.begin(), latency.end(), uint64_t{0});
}

std::size_t CallCounters::placeOf(const CallKind& kind) noexcept {
  const std::size_t group = server::placeOf(kind.protocol, kind.transport);
  return kind.signature * kKinds + group * kTasks + static_cast<std::size_t>(kind.task);
}

void CallCounters::record(const CallKind& kind, Outcome outcome, int64_t samples,
                          std::chrono::nanoseconds latency) noexcept {
  Requests& requests = requests_[server::placeOf(kind.protocol, kind.transport)];
  const auto latency_ns = static_cast<uint64_t>(latency.count());
  requests.by_outcome[static_cast<std::size_t>(outcome)].add(1);
  if (outcome != Outcome::kOk) {
    requests.failed_ns.add(latency_ns);
    return;
  }
  Answered& answered = answered_[placeOf(kind)];
  const double us = std::chrono::duration<double, std::micro>(latency).count();
  // Most calls are fast: from the first bucket on, not by halving.
  const auto* const bucket = std::find_if(kLatencyBoundsUs.begin(), kLatencyBoundsUs.end(),
                                          [us](double bound) { return us <= bound; });
  answered.latency[static_cast<std::size_t>(bucket - kLatencyBoundsUs.begin())].add(1);
  answered.latency_ns.add(latency_ns);
  answered.samples.add(static_cast<uint64_t>(samples));
  last_ms_.set(nowMs());
}

void CallCounters::addTo(Protocol protocol, Transport transport,
                         CallTotals& totals) const noexcept {
  const Requests& requests = requests_[server::placeOf(protocol, transport)];
  for (std::size_t i = 0; i < kOutcomes; ++i) {
    totals.requests[i] += requests.by_outcome[i].value();
  }
  totals.failed_us += static_cast<double>(requests.failed_ns.value()) / 1e3;
  for (std::size_t signature = 0; signature * kKinds < answered_.size(); ++signature) {
    for (std::size_t task = 0; task < kTasks; ++task) {
      addAnsweredTo({protocol, transport, static_cast<Task>(task), signature}, totals);
    }
  }
}

void CallCounters::addAnsweredTo(const CallKind& kind, CallTotals& totals) const noexcept {
  const Answered& answered = answered_[placeOf(kind)];
  for (std::size_t i = 0; i < kLatencyBuckets; ++i) {
    totals.latency[i] += answered.latency[i].value();
  }
  totals.latency_us += static_cast<double>(answered.latency_ns.value()) / 1e3;
  totals.samples += answered.samples.value();
}

}  // namespace aios::server
