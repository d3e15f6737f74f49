// Counters and a latency histogram that cost a few nanoseconds a call.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>

#include "aios/metrics.hpp"

namespace aios::runtime {

// Written by one thread at a time (the session's caller), read by any. With one writer, a load and
// a store do what would else take an atomic addition.
class CallStats {
 public:
  // Whether the next call should be timed: reading the clock twice costs as much as a small model.
  bool wantsTime() const noexcept { return slow_ || (get(calls_) & 63) == 0; }

  void countCall(int64_t samples) noexcept {
    add(calls_, 1);
    add(samples_, static_cast<uint64_t>(samples));
  }
  void countError() noexcept { add(errors_, 1); }
  void recordLatency(std::chrono::nanoseconds latency) noexcept;

  // Adds this session's figures to those of its signature.
  void addTo(SignatureMetrics& metrics, std::array<uint64_t, 128>& histogram) const noexcept;

 private:
  using Counter = std::atomic<uint64_t>;
  static uint64_t get(const Counter& counter) noexcept {
    return counter.load(std::memory_order_relaxed);
  }
  static void add(Counter& counter, uint64_t amount) noexcept {
    counter.store(get(counter) + amount, std::memory_order_relaxed);
  }

  Counter calls_ = 0;
  Counter samples_ = 0;
  Counter errors_ = 0;
  bool slow_ = false;
  std::array<Counter, 128> buckets_{};
};

// Fills percentiles and histogram from the buckets that addTo() summed.
void summarizeHistogram(const std::array<uint64_t, 128>& histogram, SignatureMetrics& metrics);

}  // namespace aios::runtime
