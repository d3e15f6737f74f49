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

enum class Transport : std::size_t { kHttp, kGrpc };
inline constexpr std::size_t kTransports = 2;

// "kserve-grpc".
const char* name(Protocol protocol, Transport transport = Transport::kHttp) noexcept;

// What a model is asked for; all but prediction are TensorFlow Serving's.
enum class Task : std::size_t { kPredict, kClassify, kRegress };
inline constexpr std::size_t kTasks = 3;
const char* name(Task task) noexcept;

enum class Outcome : std::size_t { kOk, kClientError, kServerError };
inline constexpr std::size_t kOutcomes = 3;
Outcome outcomeOf(int http_status) noexcept;

// Upper bounds of the buckets of latency, in microseconds; slower calls are in one more.
inline constexpr std::array<double, 19> kLatencyBoundsUs = {
    1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 1e5, 2e5, 5e5, 1e6};
inline constexpr std::size_t kLatencyBuckets = kLatencyBoundsUs.size() + 1;

// What counts a call among others of its kind.
struct CallKind {
  // Not explicit, as most calls are told apart by nothing else.
  CallKind(Protocol by, Transport over = Transport::kHttp, Task what = Task::kPredict,
           std::size_t of = 0)
      : protocol(by), transport(over), task(what), signature(of) {}

  Protocol protocol;
  Transport transport;
  Task task;
  std::size_t signature;  // its place among the model's
};

// A sum of counters, as it was at one moment.
struct CallTotals {
  std::array<uint64_t, kOutcomes> requests{};
  std::array<uint64_t, kLatencyBuckets> latency{};  // of requests that were answered well
  double latency_us = 0;                            // the sum of those
  double failed_us = 0;                             // and of the others
  uint64_t samples = 0;

  uint64_t answered() const noexcept;  // well
};

// A count that one thread adds to.
class Counter {
 public:
  void add(uint64_t amount) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
  void set(uint64_t value) noexcept { value_.store(value, std::memory_order_relaxed); }
  uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_ = 0;
};

// Of one model and one thread.
class alignas(64) CallCounters {
 public:
  // `signatures` is how many the model has.
  explicit CallCounters(std::size_t signatures = 1) : answered_(signatures * kKinds) {}

  void record(const CallKind& kind, Outcome outcome, int64_t samples,
              std::chrono::nanoseconds latency) noexcept;
  // All tasks and signatures together.
  void addTo(Protocol protocol, Transport transport, CallTotals& totals) const noexcept;
  void addTo(Protocol protocol, CallTotals& totals) const noexcept {
    addTo(protocol, Transport::kHttp, totals);
  }
  // Of the requests that were answered well.
  void addAnsweredTo(const CallKind& kind, CallTotals& totals) const noexcept;
  // When the last one was, in milliseconds since 1970; 0 where none was.
  uint64_t lastMs() const noexcept { return last_ms_.value(); }

 private:
  struct Requests {
    std::array<Counter, kOutcomes> by_outcome;
    Counter failed_ns;
  };
  struct Answered {
    std::array<Counter, kLatencyBuckets> latency;
    Counter latency_ns;
    Counter samples;
  };
  static constexpr std::size_t kKinds = kProtocols * kTransports * kTasks;

  static std::size_t placeOf(const CallKind& kind) noexcept;

  std::array<Requests, kProtocols * kTransports> requests_;
  std::vector<Answered> answered_;
  Counter last_ms_;
};

}  // namespace aios::server
