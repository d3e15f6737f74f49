// How many CPUs the system lets this process use. What only Linux has is read here alone.
#pragma once

#include <filesystem>

namespace aios::runtime {

// CPUs of the calling thread's affinity mask; 1 at least.
int affinityCpus() noexcept;

// The lowest limit, in CPUs, of this process's control groups and all above them: `cpu.max` of
// version 2, `cpu.cfs_quota_us` of version 1. Infinity where there is none, or none can be read.
// /proc and /sys are looked for under `root`.
double cgroupCpus(const std::filesystem::path& root = "/");

// Both together, in whole CPUs, 1 at least. A limit of 1.5 counts as 2: the system itself keeps the
// process to one and a half.
int usableCpus(int affinity_cpus, double cgroup_cpus) noexcept;

}  // namespace aios::runtime
