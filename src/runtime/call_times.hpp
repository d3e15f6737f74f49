// What calls of each batch size take, learnt from those that were timed.
#pragma once

#include <array>
#include <atomic>
#include <limits>

#include "runtime/batch_buckets.hpp"

namespace aios::runtime {

// Safe from any thread: of two that record at once, one may be lost.
class CallTimes {
 public:
  void record(int64_t batch, double us) noexcept {
    const double sample = us / static_cast<double>(batch);
    std::atomic<double>& known = us_per_sample_[bucketOf(batch)];
    const double before = known.load(std::memory_order_relaxed);
    known.store(before == 0 ? sample : blend(before, sample), std::memory_order_relaxed);
    last_.store(sample, std::memory_order_relaxed);
  }

  // Of a batch; where none of about its size was timed, from the last call of any size; infinity
  // before the first.
  double expectedUs(int64_t batch) const noexcept {
    const double known = us_per_sample_[bucketOf(batch)].load(std::memory_order_relaxed);
    const double sample = known != 0 ? known : last_.load(std::memory_order_relaxed);
    return sample * static_cast<double>(batch);
  }
  // Whether a batch of about this size was timed.
  bool knows(int64_t batch) const noexcept {
    return us_per_sample_[bucketOf(batch)].load(std::memory_order_relaxed) != 0;
  }

 private:
  // What else a machine does makes calls slower, never faster: a fast one tells more.
  static double blend(double before, double sample) noexcept {
    return before + (sample - before) / (sample < before ? 2 : 8);
  }

  std::array<std::atomic<double>, kBatchBuckets> us_per_sample_{};  // 0: unknown
  std::atomic<double> last_ = std::numeric_limits<double>::infinity();
};

}  // namespace aios::runtime
