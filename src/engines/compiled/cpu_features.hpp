// What this processor (and operating system) can run, as bits of compiled_model.h.
#pragma once

#include <cstdint>
#include <string>

namespace aios::engines::compiled {

// AIOS_CPU_… bits; read once.
uint64_t cpuFeatures() noexcept;

// Names of the bits, as "avx512f, avx512bw"; a bit that this build doesn't know is "bit 40".
std::string featureNames(uint64_t features);

}  // namespace aios::engines::compiled
