// Clocks and ceilings for the kernel benchmarks: everything is compared with what this machine did
// in the same run.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "aios/kernels/vec.hpp"

namespace aios::kernels::bench {

inline double nowNs() {
  using Clock = std::chrono::steady_clock;
  return std::chrono::duration<double, std::nano>(Clock::now().time_since_epoch()).count();
}

// Keeps a value, and everything it points at, alive for the optimiser.
template <class T>
inline void keep(T const& value) {
  asm volatile("" ::"g"(value) : "memory");
}

// The best of `repeats` means over calls that together take about `budget_us`.
template <class Call>
double bestNs(Call call, int repeats = 15, double budget_us = 2000.0) {
  call();
  const double start = nowNs();
  call();
  const double once = std::max(nowNs() - start, 20.0);
  const int calls = std::max(1, static_cast<int>(budget_us * 1e3 / once));
  double best = 1e300;
  for (int r = 0; r < repeats; ++r) {
    const double from = nowNs();
    for (int i = 0; i < calls; ++i) {
      call();
      asm volatile("" ::: "memory");
    }
    best = std::min(best, (nowNs() - from) / calls);
  }
  return best;
}

// Aligned floats with small, varied contents.
class Floats {
 public:
  explicit Floats(std::size_t size)
      : memory_(static_cast<float*>(std::aligned_alloc(4096, (size * 4 + 8191) / 4096 * 4096)),
                &std::free) {
    for (std::size_t i = 0; i < size; ++i)
      memory_.get()[i] = static_cast<float>(i * 7919 % 1013) / 10130.0f - 0.05f;
  }
  float* get() { return memory_.get(); }

 private:
  std::unique_ptr<float, decltype(&std::free)> memory_;
};

// Multiply-adds a nanosecond (G/s) with independent sums that fit in any CPU's registers.
inline double peakMultiplyAdds() {
  constexpr int kSums = 12;
  Vec sums[kSums];
  for (int i = 0; i < kSums; ++i) sums[i] = splat(static_cast<float>(i));
  Vec factor = splat(0.999f), term = splat(1e-3f);
  keep(&factor);
  keep(&term);
  constexpr int kSteps = 20000;
  const double ns = bestNs([&] {
    Vec local[kSums];
    for (int i = 0; i < kSums; ++i) local[i] = sums[i];
    const Vec f = factor, t = term;
    for (int step = 0; step < kSteps; ++step) {
      AIOS_UNROLL
      for (int i = 0; i < kSums; ++i) local[i] = local[i] * f + t;
    }
    for (int i = 0; i < kSums; ++i) sums[i] = local[i];
  });
  keep(&sums);
  return 1.0 * kSums * kLanes * kSteps / ns;
}

// Bytes a nanosecond (GB/s) when reading `kib` KiB again and again.
inline double readBandwidth(std::size_t kib) {
  const std::size_t size = kib * 256;
  Floats floats(size);
  Vec sums[8] = {};
  const double ns = bestNs([&] {
    const float* p = floats.get();
    Vec local[8] = {};
    for (std::size_t i = 0; i + 8 * kLanes <= size; i += 8 * kLanes) {
      AIOS_UNROLL
      for (int v = 0; v < 8; ++v) local[v] = local[v] + load(p + i + v * kLanes);
    }
    for (int v = 0; v < 8; ++v) sums[v] = sums[v] + local[v];
  });
  keep(&sums);
  return static_cast<double>(kib) * 1024.0 / ns;
}

struct Ceilings {
  double multiply_adds, first_level, second_level, third_level;

  static Ceilings measure() {
    const Ceilings c{peakMultiplyAdds(), readBandwidth(24), readBandwidth(256),
                     readBandwidth(3 * 1024)};
    std::printf(
        "ceilings: %.1f G multiply-adds/s, read %.0f GB/s (24 KiB), %.0f (256 KiB), "
        "%.0f (3 MiB); %d lanes\n",
        c.multiply_adds, c.first_level, c.second_level, c.third_level, kLanes);
    return c;
  }

  // The cache that so many bytes of weights stay in between calls.
  double bandwidth(double bytes) const {
    if (bytes <= 44.0 * 1024) return first_level;
    return bytes <= 800.0 * 1024 ? second_level : third_level;
  }

  // The least time of a call: arithmetic, or reading its weights once.
  double limitNs(double macs, double weight_bytes) const {
    return std::max(macs / multiply_adds, weight_bytes / bandwidth(weight_bytes));
  }

  void print(const char* name, double ns, double macs, double weight_bytes) const {
    std::printf("%-42s %12.1f ns %7.1f G/s  %5.1f %% of FMA  %5.1f %% of the limit\n", name, ns,
                macs / ns, 100.0 * macs / ns / multiply_adds,
                100.0 * limitNs(macs, weight_bytes) / ns);
  }
};

}  // namespace aios::kernels::bench
