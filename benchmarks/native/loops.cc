// Loops that a benchmark runs outside Python: calls of a C function, and the machine's ceilings.
// Built at the start of a run by the compiler's own toolchain driver, for this machine.
#include <stdint.h>
#include <time.h>

#include "aios/kernels/vec.hpp"

#define AIOS_BENCH_EXPORT extern "C" __attribute__((visibility("default")))

namespace {

using aios::kernels::kLanes;
using aios::kernels::load;
using aios::kernels::splat;
using aios::kernels::Vec;

double nowNs() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return 1e9 * static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec);
}

template <class T>
void keep(T const& value) {
  asm volatile("" ::"g"(&value) : "memory");
}

}  // namespace

// A C function of up to six integer or pointer arguments; the ABIs of x86-64 and aarch64 pass them
// in registers, so that a function which takes fewer doesn't see the others.
typedef uintptr_t (*Function)(uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t);

// Writes `samples` means of `chunk` calls each, in microseconds, to `latencies_us`.
// Returns the bitwise or of what the calls returned: 0 when none failed.
AIOS_BENCH_EXPORT uint64_t aios_bench_time(Function call, const uintptr_t* a, int64_t samples,
                                           int64_t chunk, double* latencies_us) {
  uint32_t status = 0;
  for (int64_t i = 0; i < samples; ++i) {
    const double begin = nowNs();
    for (int64_t k = 0; k < chunk; ++k)
      status |= static_cast<uint32_t>(call(a[0], a[1], a[2], a[3], a[4], a[5]));
    latencies_us[i] = (nowNs() - begin) * 1e-3 / static_cast<double>(chunk);
  }
  return status;
}

// Multiply-adds a nanosecond over `steps` steps, with as many independent sums as hide the latency.
AIOS_BENCH_EXPORT double aios_bench_multiply_adds(int64_t steps) {
  constexpr int kSums = 12;
  Vec sums[kSums];
  for (int i = 0; i < kSums; ++i) sums[i] = splat(static_cast<float>(i));
  Vec factor = splat(0.999f), term = splat(1e-3f);
  keep(factor);
  keep(term);
  const Vec f = factor, t = term;
  const double begin = nowNs();
  for (int64_t step = 0; step < steps; ++step) {
    AIOS_UNROLL
    for (int i = 0; i < kSums; ++i) sums[i] = sums[i] * f + t;
  }
  for (int i = 0; i < kSums; ++i) keep(sums[i]);
  return static_cast<double>(steps) * kSums * kLanes / (nowNs() - begin);
}

// Bytes a nanosecond when `floats` floats are read `passes` times.
AIOS_BENCH_EXPORT double aios_bench_read(const float* memory, int64_t floats, int64_t passes) {
  constexpr int kSums = 8;
  Vec sums[kSums] = {};
  const int64_t step = kSums * kLanes;
  const int64_t end = floats / step * step;
  const double begin = nowNs();
  for (int64_t pass = 0; pass < passes; ++pass) {
    for (int64_t i = 0; i < end; i += step) {
      AIOS_UNROLL
      for (int v = 0; v < kSums; ++v) sums[v] = sums[v] + load(memory + i + v * kLanes);
    }
    asm volatile("" ::: "memory");
  }
  for (int v = 0; v < kSums; ++v) keep(sums[v]);
  return 4.0 * static_cast<double>(end) * static_cast<double>(passes) / (nowNs() - begin);
}
