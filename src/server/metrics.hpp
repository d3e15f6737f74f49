// What a server has answered: counters that one thread writes, and any thread reads.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace aios::server {

enum class Protocol : std::size_t { kTensorFlowServing, kKServe };
inline constexpr std::size_t kProtocols = 2;
const char* name(Protocol protocol) noexcept;

enum class Outcome : std::size_t { kOk, kClientError, kServerError };
inline constexpr std::size_t kOutcomes = 3;
Outcome outcomeOf(int http_status) noexcept;

// Upper bounds of the buckets of latency, in microseconds; slower calls are in one more.
inline constexpr std::array<double, 19> kLatencyBoundsUs = {
    1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 1e5, 2e5, 5e5, 1e6};
inline constexpr std::size_t kLatencyBuckets = kLatencyBoundsUs.size() + 1;

// A sum of counters, as it was at one moment.
struct CallTotals {
  std::array<uint64_t, kOutcomes> requests{};
  std::array<uint64_t, kLatencyBuckets> latency{};  // of requests that were answered well
  double latency_us = 0;                            // the sum of those
  uint64_t samples = 0;
};

// A count that one thread adds to.
class Counter {
 public:
  void add(uint64_t amount) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
  uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_ = 0;
};

// Of one model and one thread.
class alignas(64) CallCounters {
 public:
  void record(Protocol protocol, Outcome outcome, int64_t samples,
              std::chrono::nanoseconds latency) noexcept;
  void addTo(Protocol protocol, CallTotals& totals) const noexcept;

 private:
  struct OfProtocol {
    std::array<Counter, kOutcomes> requests;
    std::array<Counter, kLatencyBuckets> latency;
    Counter latency_ns;
    Counter samples;
  };
  std::array<OfProtocol, kProtocols> counters_;
};

}  // namespace aios::server
