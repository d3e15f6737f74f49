// Batch sizes are told apart by powers of two: 1, 2, 3-4, 5-8, …
#pragma once

#include <cstddef>
#include <cstdint>

namespace aios::runtime {

inline constexpr std::size_t kBatchBuckets = 32;

// The largest batch of a bucket.
constexpr int64_t bucketLimit(std::size_t bucket) noexcept { return int64_t{1} << bucket; }

constexpr std::size_t bucketOf(int64_t batch) noexcept {
  std::size_t bucket = 0;
  while (bucket + 1 < kBatchBuckets && bucketLimit(bucket) < batch) ++bucket;
  return bucket;
}

}  // namespace aios::runtime
