#include "engines/compiled/cpu_features.hpp"

#include <array>

#include "aios/compiled_model.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace aios::engines::compiled {
namespace {

// Which registers the operating system must save for a feature to be usable.
enum class Registers { kAny, kYmm, kZmm };

struct FeatureRow {
  uint64_t bit;
  const char* name;
  // cpuid: leaf, subleaf, register (0 eax, 1 ebx, 2 ecx, 3 edx), bit
  uint32_t leaf;
  uint32_t subleaf;
  int reg;
  int position;
  Registers needs;
};

constexpr std::array<FeatureRow, 32> kFeatures = {{
    {AIOS_CPU_SSE3, "sse3", 1, 0, 2, 0, Registers::kAny},
    {AIOS_CPU_SSSE3, "ssse3", 1, 0, 2, 9, Registers::kAny},
    {AIOS_CPU_SSE4_1, "sse4.1", 1, 0, 2, 19, Registers::kAny},
    {AIOS_CPU_SSE4_2, "sse4.2", 1, 0, 2, 20, Registers::kAny},
    {AIOS_CPU_POPCNT, "popcnt", 1, 0, 2, 23, Registers::kAny},
    {AIOS_CPU_MOVBE, "movbe", 1, 0, 2, 22, Registers::kAny},
    {AIOS_CPU_AVX, "avx", 1, 0, 2, 28, Registers::kYmm},
    {AIOS_CPU_F16C, "f16c", 1, 0, 2, 29, Registers::kYmm},
    {AIOS_CPU_FMA, "fma", 1, 0, 2, 12, Registers::kYmm},
    {AIOS_CPU_AVX2, "avx2", 7, 0, 1, 5, Registers::kYmm},
    {AIOS_CPU_BMI1, "bmi1", 7, 0, 1, 3, Registers::kAny},
    {AIOS_CPU_BMI2, "bmi2", 7, 0, 1, 8, Registers::kAny},
    {AIOS_CPU_LZCNT, "lzcnt", 0x80000001, 0, 2, 5, Registers::kAny},
    {AIOS_CPU_AVX512F, "avx512f", 7, 0, 1, 16, Registers::kZmm},
    {AIOS_CPU_AVX512DQ, "avx512dq", 7, 0, 1, 17, Registers::kZmm},
    {AIOS_CPU_AVX512BW, "avx512bw", 7, 0, 1, 30, Registers::kZmm},
    {AIOS_CPU_AVX512VL, "avx512vl", 7, 0, 1, 31, Registers::kZmm},
    {AIOS_CPU_AVX512CD, "avx512cd", 7, 0, 1, 28, Registers::kZmm},
    {AIOS_CPU_AVX512IFMA, "avx512ifma", 7, 0, 1, 21, Registers::kZmm},
    {AIOS_CPU_AVX512VBMI, "avx512vbmi", 7, 0, 2, 1, Registers::kZmm},
    {AIOS_CPU_AVX512VBMI2, "avx512vbmi2", 7, 0, 2, 6, Registers::kZmm},
    {AIOS_CPU_AVX512VNNI, "avx512vnni", 7, 0, 2, 11, Registers::kZmm},
    {AIOS_CPU_AVX512BITALG, "avx512bitalg", 7, 0, 2, 12, Registers::kZmm},
    {AIOS_CPU_AVX512VPOPCNTDQ, "avx512vpopcntdq", 7, 0, 2, 14, Registers::kZmm},
    {AIOS_CPU_AVX512BF16, "avx512bf16", 7, 1, 0, 5, Registers::kZmm},
    {AIOS_CPU_AVX512FP16, "avx512fp16", 7, 0, 3, 23, Registers::kZmm},
    {AIOS_CPU_AVX512VP2INTERSECT, "avx512vp2intersect", 7, 0, 3, 8, Registers::kZmm},
    {AIOS_CPU_AVXVNNI, "avxvnni", 7, 1, 0, 4, Registers::kYmm},
    {AIOS_CPU_GFNI, "gfni", 7, 0, 2, 8, Registers::kAny},
    {AIOS_CPU_VAES, "vaes", 7, 0, 2, 9, Registers::kYmm},
    {AIOS_CPU_VPCLMULQDQ, "vpclmulqdq", 7, 0, 2, 10, Registers::kYmm},
    {AIOS_CPU_ADX, "adx", 7, 0, 1, 19, Registers::kAny},
}};

#if defined(__x86_64__)

bool cpuidBit(const FeatureRow& row) {
  std::array<uint32_t, 4> registers{};
  if (__get_cpuid_count(row.leaf, row.subleaf, &registers[0], &registers[1], &registers[2],
                        &registers[3]) == 0) {
    return false;
  }
  return (registers[static_cast<std::size_t>(row.reg)] >> row.position & 1) != 0;
}

// The register sets that the operating system saves (XCR0).
uint32_t savedRegisters() {
  constexpr FeatureRow kOsxsave = {0, "osxsave", 1, 0, 2, 27, Registers::kAny};
  if (!cpuidBit(kOsxsave)) return 0;
  uint32_t low = 0;
  uint32_t high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

uint64_t detect() {
  const uint32_t saved = savedRegisters();
  uint64_t features = 0;
  for (const FeatureRow& row : kFeatures) {
    const uint32_t needed = row.needs == Registers::kZmm   ? 0xe6U
                            : row.needs == Registers::kYmm ? 6U
                                                           : 0U;
    if ((saved & needed) == needed && cpuidBit(row)) features |= row.bit;
  }
  return features;
}

#elif defined(__aarch64__)
uint64_t detect() { return AIOS_CPU_NEON; }
#else
uint64_t detect() { return 0; }
#endif

}  // namespace

uint64_t cpuFeatures() noexcept {
  static const uint64_t features = detect();
  return features;
}

std::string featureNames(uint64_t features) {
  std::string names;
  for (int position = 0; position < 64; ++position) {
    const uint64_t bit = UINT64_C(1) << position;
    if ((features & bit) == 0) continue;
    std::string name = bit == AIOS_CPU_NEON ? "neon" : "bit " + std::to_string(position);
    for (const FeatureRow& row : kFeatures) {
      if (row.bit == bit) name = row.name;
    }
    names += (names.empty() ? "" : ", ") + name;
  }
  return names;
}

}  // namespace aios::engines::compiled
