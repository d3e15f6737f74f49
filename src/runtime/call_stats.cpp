#include "runtime/call_stats.hpp"

#include <algorithm>
#include <cmath>

namespace aios::runtime {
namespace {

constexpr std::chrono::microseconds kSlow{5};

// Four buckets an octave, from 16 ns: bucket b ends at 16 * 2^(b/4) ns.
double upperNs(std::size_t bucket) { return 16 * std::exp2(static_cast<double>(bucket) / 4); }

std::size_t bucketOf(double ns) {
  if (ns <= 16) return 0;
  return std::min<std::size_t>(127, static_cast<std::size_t>(std::ceil(4 * std::log2(ns / 16))));
}

double percentile(const std::array<uint64_t, 128>& histogram, uint64_t total, double fraction) {
  const auto rank = static_cast<uint64_t>(std::ceil(fraction * static_cast<double>(total)));
  uint64_t seen = 0;
  for (std::size_t bucket = 0; bucket < histogram.size(); ++bucket) {
    seen += histogram[bucket];
    if (seen >= rank && seen != 0) return upperNs(bucket) / 1e3;
  }
  return 0;
}

}  // namespace

void CallStats::recordLatency(std::chrono::nanoseconds latency) noexcept {
  slow_ = latency > kSlow;
  add(buckets_[bucketOf(static_cast<double>(latency.count()))], 1);
}

void CallStats::addTo(SignatureMetrics& metrics,
                      std::array<uint64_t, 128>& histogram) const noexcept {
  metrics.calls += get(calls_);
  metrics.samples += get(samples_);
  metrics.errors += get(errors_);
  for (std::size_t i = 0; i < histogram.size(); ++i) histogram[i] += get(buckets_[i]);
}

void summarizeHistogram(const std::array<uint64_t, 128>& histogram, SignatureMetrics& metrics) {
  for (std::size_t bucket = 0; bucket < histogram.size(); ++bucket) {
    if (histogram[bucket] == 0) continue;
    metrics.timed_calls += histogram[bucket];
    metrics.histogram.push_back({upperNs(bucket) / 1e3, histogram[bucket]});
  }
  metrics.p50_us = percentile(histogram, metrics.timed_calls, 0.50);
  metrics.p90_us = percentile(histogram, metrics.timed_calls, 0.90);
  metrics.p99_us = percentile(histogram, metrics.timed_calls, 0.99);
}

}  // namespace aios::runtime
