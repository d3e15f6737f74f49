#include "server/metrics.hpp"

#include <algorithm>

namespace aios::server {

const char* name(Protocol protocol) noexcept {
  return protocol == Protocol::kTensorFlowServing ? "tensorflow-serving" : "kserve";
}

Outcome outcomeOf(int http_status) noexcept {
  if (http_status < 400) return Outcome::kOk;
  return http_status < 500 ? Outcome::kClientError : Outcome::kServerError;
}

void CallCounters::record(Protocol protocol, Outcome outcome, int64_t samples,
                          std::chrono::nanoseconds latency) noexcept {
  OfProtocol& counters = counters_[static_cast<std::size_t>(protocol)];
  counters.requests[static_cast<std::size_t>(outcome)].add(1);
  if (outcome != Outcome::kOk) return;
  const double us = std::chrono::duration<double, std::micro>(latency).count();
  // Most calls are fast: from the first bucket on, not by halving.
  const auto* const bucket = std::find_if(kLatencyBoundsUs.begin(), kLatencyBoundsUs.end(),
                                          [us](double bound) { return us <= bound; });
  counters.latency[static_cast<std::size_t>(bucket - kLatencyBoundsUs.begin())].add(1);
  counters.latency_ns.add(static_cast<uint64_t>(latency.count()));
  counters.samples.add(static_cast<uint64_t>(samples));
}

void CallCounters::addTo(Protocol protocol, CallTotals& totals) const noexcept {
  const OfProtocol& counters = counters_[static_cast<std::size_t>(protocol)];
  for (std::size_t i = 0; i < kOutcomes; ++i) totals.requests[i] += counters.requests[i].value();
  for (std::size_t i = 0; i < kLatencyBuckets; ++i)
    totals.latency[i] += counters.latency[i].value();
  totals.latency_us += static_cast<double>(counters.latency_ns.value()) / 1e3;
  totals.samples += counters.samples.value();
}

}  // namespace aios::server
