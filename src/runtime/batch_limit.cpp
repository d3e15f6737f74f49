#include "runtime/batch_limit.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "runtime/batch_buckets.hpp"
#include "runtime/endpoint.hpp"

namespace aios::runtime {
namespace {

// What is no better than this isn't worth a larger batch.
constexpr double kWorthIt = 1.03;

struct Size {
  int64_t samples;
  double us_per_sample;
};

// The oldest call alone, then powers of two, then all.
std::vector<int64_t> sizesOf(const WaitingCalls& waiting, int64_t most) {
  std::vector<int64_t> sizes = {waiting.oldest};
  for (std::size_t bucket = bucketOf(waiting.oldest); bucketLimit(bucket) < most; ++bucket) {
    if (bucketLimit(bucket) > waiting.oldest) sizes.push_back(bucketLimit(bucket));
  }
  if (most > waiting.oldest) sizes.push_back(most);
  return sizes;
}

// Those that rule 2 allows, with their times; ends at the first that was never timed.
std::vector<Size> allowed(const BatchTimes& times, const WaitingCalls& waiting,
                          const BatchBounds& bounds, const std::vector<int64_t>& sizes) {
  const double alone_us = times.expected_us(waiting.oldest);
  const double longest_us = std::min(bounds.longest_multiple * alone_us, waiting.most_us);
  std::vector<Size> kept;
  double best = std::numeric_limits<double>::infinity();
  for (const int64_t samples : sizes) {
    const bool is_untimed = !kept.empty() && !times.is_timed(samples);
    const double sample_us =
        is_untimed ? best : times.expected_us(samples) / static_cast<double>(samples);
    if (!kept.empty() && sample_us * static_cast<double>(samples) > longest_us) break;
    // Said to be fast, so that it is tried.
    kept.push_back({samples, is_untimed ? best / 2 : sample_us});
    if (is_untimed) break;
    best = std::min(best, sample_us);
  }
  return kept;
}

}  // namespace

BatchTimes timesOf(const Endpoint& endpoint) {
  return {[&endpoint](int64_t batch) { return endpoint.expectedUs(batch); },
          [&endpoint](int64_t batch) { return endpoint.hasTimed(batch); }};
}

int64_t batchLimit(const BatchTimes& times, const WaitingCalls& waiting,
                   const BatchBounds& bounds) {
  const int64_t most = std::min(waiting.samples, bounds.max_samples);
  if (most <= waiting.oldest) return waiting.oldest;
  const double alone_us = times.expected_us(waiting.oldest);
  if (std::isinf(alone_us)) {
    // As of models whose sizes vary: as if a batch of n took n times as long.
    const double limit = bounds.longest_multiple * static_cast<double>(waiting.oldest);
    return std::min(most, static_cast<int64_t>(limit));
  }
  const std::vector<Size> sizes = allowed(times, waiting, bounds, sizesOf(waiting, most));
  if (waiting.explore) return sizes.back().samples;
  double best = std::numeric_limits<double>::infinity();
  for (const Size& size : sizes) best = std::min(best, size.us_per_sample);
  const auto chosen = std::find_if(sizes.begin(), sizes.end(), [&](const Size& size) {
    return size.us_per_sample <= best * kWorthIt;
  });
  return chosen->samples;
}

}  // namespace aios::runtime
