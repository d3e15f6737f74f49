#include "runtime/cpu_limits.hpp"

#include <gtest/gtest.h>
#include <sched.h>

#include <cmath>
#include <limits>
#include <thread>

#include "bundle/temporary_directory.hpp"

namespace aios::runtime {
namespace {

constexpr double kNone = std::numeric_limits<double>::infinity();

// A /proc and a /sys of the test's own.
class CpuLimits : public ::testing::Test {
 protected:
  void write(const std::string& path, const std::string& text) { root_.write(path, text); }
  // A process of this group in version 2, mounted where it usually is.
  void unified(const std::string& group) {
    write("proc/self/cgroup", "0::" + group + "\n");
    write("proc/self/mountinfo",
          "22 1 8:1 / / rw - ext4 /dev/vda rw\n"
          "41 31 0:38 / /sys/fs/cgroup rw,relatime shared:9 - cgroup2 cgroup2 rw\n");
  }
  double limit() const { return cgroupCpus(root_.path()); }

  TemporaryDirectory root_;
};

TEST_F(CpuLimits, AreNoneWhereNothingCanBeRead) { EXPECT_EQ(limit(), kNone); }

TEST_F(CpuLimits, AreNoneWhereNoGroupHasOne) {
  unified("/a/b");
  write("sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
  EXPECT_EQ(limit(), kNone);
}

TEST_F(CpuLimits, AreTheLowestOfTheGroupAndAllAboveIt) {
  unified("/a/b/c");
  write("sys/fs/cgroup/a/b/c/cpu.max", "400000 100000\n");
  EXPECT_EQ(limit(), 4);
  write("sys/fs/cgroup/a/cpu.max", "150000 100000\n");
  EXPECT_EQ(limit(), 1.5);
  write("sys/fs/cgroup/a/b/cpu.max", "50000 100000\n");
  EXPECT_EQ(limit(), 0.5);
}

TEST_F(CpuLimits, AreThoseOfTheRootInAContainerThatSeesItsGroupAsRoot) {
  unified("/");
  write("sys/fs/cgroup/cpu.max", "300000 100000\n");
  EXPECT_EQ(limit(), 3);
}

TEST_F(CpuLimits, AreReadInVersionOneBesideOtherControllers) {
  write("proc/self/cgroup", "9:name=systemd:/\n5:cpuset:/other\n3:cpu,cpuacct:/pod/app\n0::/\n");
  write("proc/self/mountinfo",
        "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct\n"
        "34 31 0:31 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset\n"
        "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n");
  write("sys/fs/cgroup/cpu,cpuacct/pod/app/cpu.cfs_quota_us", "-1\n");
  write("sys/fs/cgroup/cpu,cpuacct/pod/app/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(limit(), kNone);
  write("sys/fs/cgroup/cpu,cpuacct/pod/cpu.cfs_quota_us", "250000\n");
  write("sys/fs/cgroup/cpu,cpuacct/pod/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(limit(), 2.5);
}

TEST_F(CpuLimits, AreThoseOfTheMountedGroupWhereTheHostsPathIsSeen) {
  write("proc/self/cgroup", "3:cpu:/docker/abc/worker\n");
  write("proc/self/mountinfo",
        "32 31 0:29 /docker/abc /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu\n");
  write("sys/fs/cgroup/cpu/worker/cpu.cfs_quota_us", "200000\n");
  write("sys/fs/cgroup/cpu/worker/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(limit(), 2);
  write("proc/self/cgroup", "3:cpu:/somewhere/else\n");
  EXPECT_EQ(limit(), kNone);
  write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "700000\n");
  write("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(limit(), 7);
}

TEST_F(CpuLimits, AreNoneWhereTheFilesHoldNonsense) {
  unified("/a");
  for (const char* text : {"", "max", "-5 100000", "100000 0", "many 100000", "100000"}) {
    write("sys/fs/cgroup/a/cpu.max", text);
    EXPECT_EQ(limit(), kNone) << text;
  }
}

TEST(UsableCpus, AreWholeOnesAndOneAtLeast) {
  EXPECT_EQ(usableCpus(8, kNone), 8);
  EXPECT_EQ(usableCpus(8, 16), 8);
  EXPECT_EQ(usableCpus(8, 2), 2);
  EXPECT_EQ(usableCpus(8, 1.5), 2);
  EXPECT_EQ(usableCpus(8, 0.1), 1);
  EXPECT_EQ(usableCpus(1, kNone), 1);
}

TEST(AffinityCpus, FollowTheMask) {
  int cut = 0;
  std::thread([&] {
    cpu_set_t mask;
    ASSERT_EQ(::sched_getaffinity(0, sizeof mask, &mask), 0);
    EXPECT_EQ(affinityCpus(), CPU_COUNT(&mask));
    int first = 0;
    while (!CPU_ISSET(first, &mask)) ++first;
    CPU_ZERO(&mask);
    CPU_SET(first, &mask);
    ASSERT_EQ(::sched_setaffinity(0, sizeof mask, &mask), 0);
    cut = affinityCpus();
  }).join();
  EXPECT_EQ(cut, 1);
}

}  // namespace
}  // namespace aios::runtime
