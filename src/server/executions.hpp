// How often a model was run, in batches of which size, and what that took: counters that one thread
// writes, and any thread reads.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "server/metrics.hpp"

namespace aios::server {

// Batches of up to so many samples are counted by their size, larger ones together.
inline constexpr std::size_t kCountedBatches = 64;

// What one run of a model took, for one request or for several that were put together.
struct Execution {
  int64_t samples = 0;
  std::chrono::nanoseconds input{0};   // reading the requests
  std::chrono::nanoseconds infer{0};   // the model, and putting inputs together for it
  std::chrono::nanoseconds output{0};  // writing the answers
};

// Of batches of one size.
struct BatchTotals {
  uint64_t executions = 0;
  uint64_t input_ns = 0;
  uint64_t infer_ns = 0;
  uint64_t output_ns = 0;
};

struct ExecutionTotals {
  uint64_t inference_count = 0;  // samples that a model answered
  uint64_t execution_count = 0;  // runs of the model that this took
  uint64_t queued = 0;           // requests that waited for a worker
  uint64_t queue_ns = 0;         // and how long, all together
  uint64_t refused = 0;          // requests that found too many waiting
  uint64_t expired = 0;          // that waited longer than they may
  uint64_t cancelled = 0;        // whose clients left before their turn
  // By samples; [0] has those of more than kCountedBatches.
  std::array<BatchTotals, kCountedBatches + 1> batches{};
};

// Of one model and one thread.
class alignas(64) ExecutionCounters {
 public:
  void record(const Execution& execution) noexcept;
  // More of a batch of so many samples, which was recorded before its answers were written.
  void recordOutput(int64_t samples, std::chrono::nanoseconds output) noexcept {
    of(samples).output_ns.add(static_cast<uint64_t>(output.count()));
  }
  void recordWait(std::chrono::nanoseconds wait) noexcept {
    queued_.add(1);
    queue_ns_.add(static_cast<uint64_t>(wait.count()));
  }
  void countRefused() noexcept { refused_.add(1); }
  void countExpired() noexcept { expired_.add(1); }
  void countCancelled() noexcept { cancelled_.add(1); }
  void addTo(ExecutionTotals& totals) const noexcept;

 private:
  struct OfBatch {
    Counter executions;
    Counter input_ns;
    Counter infer_ns;
    Counter output_ns;
  };

  OfBatch& of(int64_t samples) noexcept {
    const auto count = static_cast<std::size_t>(samples);
    return batches_[count <= kCountedBatches ? count : 0];
  }

  Counter inferences_;
  Counter executions_;
  Counter queued_;
  Counter queue_ns_;
  Counter refused_;
  Counter expired_;
  Counter cancelled_;
  std::array<OfBatch, kCountedBatches + 1> batches_;
};

}  // namespace aios::server
