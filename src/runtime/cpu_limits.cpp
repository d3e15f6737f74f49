#include "runtime/cpu_limits.hpp"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>
#include <thread>

namespace aios::runtime {
namespace {

namespace fs = std::filesystem;

constexpr double kNoLimit = std::numeric_limits<double>::infinity();

// A mounted hierarchy of control groups that may limit CPU time.
struct Hierarchy {
  fs::path root;  // the group that is mounted
  fs::path mount;
  bool unified;  // version 2
};

bool hasWord(const std::string& list, const std::string& word) {
  return ("," + list + ",").find("," + word + ",") != std::string::npos;
}

// A line of /proc/self/mountinfo: "… ROOT MOUNT OPTIONS … - TYPE SOURCE OPTIONS" (proc(5)).
bool readHierarchy(const std::string& line, Hierarchy& hierarchy) {
  const std::size_t dash = line.find(" - ");
  if (dash == std::string::npos) return false;
  std::string id, parent, device, root, mount, type, source, options;
  std::istringstream(line.substr(0, dash)) >> id >> parent >> device >> root >> mount;
  std::istringstream(line.substr(dash + 3)) >> type >> source >> options;
  hierarchy = {root, mount, type == "cgroup2"};
  return hierarchy.unified || (type == "cgroup" && hasWord(options, "cpu"));
}

// This process's group in the hierarchy, from /proc/self/cgroup: "ID:CONTROLLERS:PATH" lines
// (cgroups(7)); empty if there is none.
std::string groupIn(const Hierarchy& hierarchy, const fs::path& root) {
  std::ifstream file(root / "proc/self/cgroup");
  std::string line;
  while (std::getline(file, line)) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const bool ours = hierarchy.unified ? controllers.empty() : hasWord(controllers, "cpu");
    if (ours) return line.substr(second + 1);
  }
  return "";
}

// Of one group, in CPUs.
double limitOf(const fs::path& group, bool unified) {
  std::string quota;
  double period = 0;
  if (unified) {
    std::ifstream(group / "cpu.max") >> quota >> period;
  } else {
    std::ifstream(group / "cpu.cfs_quota_us") >> quota;
    std::ifstream(group / "cpu.cfs_period_us") >> period;
  }
  const double time = std::atof(quota.c_str());  // 0 for "max", -1 for none in version 1
  return time > 0 && period > 0 ? time / period : kNoLimit;
}

// A container may see its group by a path that is not below the mounted one: then the mounted one
// is the nearest that can be read.
double limitIn(const Hierarchy& hierarchy, const fs::path& root) {
  const fs::path group = groupIn(hierarchy, root);
  if (group.empty()) return kNoLimit;
  fs::path below = group.lexically_relative(hierarchy.root);
  if (below.empty() || *below.begin() == "..") below = ".";
  fs::path place = root / hierarchy.mount.relative_path();
  double limit = limitOf(place, hierarchy.unified);
  for (const fs::path& part : below) {
    place /= part;
    limit = std::min(limit, limitOf(place, hierarchy.unified));
  }
  return limit;
}

}  // namespace

int affinityCpus() noexcept {
  cpu_set_t mask;
  if (::sched_getaffinity(0, sizeof mask, &mask) == 0) return std::max(1, CPU_COUNT(&mask));
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

double cgroupCpus(const fs::path& root) {
  std::ifstream mounts(root / "proc/self/mountinfo");
  std::string line;
  double limit = kNoLimit;
  Hierarchy hierarchy;
  while (std::getline(mounts, line)) {
    if (readHierarchy(line, hierarchy)) limit = std::min(limit, limitIn(hierarchy, root));
  }
  return limit;
}

int usableCpus(int affinity_cpus, double cgroup_cpus) noexcept {
  const double whole = std::min(static_cast<double>(affinity_cpus), std::ceil(cgroup_cpus));
  return std::max(1, static_cast<int>(whole));
}

}  // namespace aios::runtime
