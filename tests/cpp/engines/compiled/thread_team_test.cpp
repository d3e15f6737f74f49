#include "engines/compiled/thread_team.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>
#include <vector>

namespace aios::engines::compiled {
namespace {

struct Job {
  std::vector<std::atomic<int>> times;  // that each task ran
  std::vector<std::atomic<int>> busy;   // tasks that run in each lane now
  std::atomic<int> clashes{0};

  Job(std::size_t tasks, std::size_t lanes) : times(tasks), busy(lanes) {}

  static void task(void* argument, uint32_t index, uint32_t lane) {
    Job& job = *static_cast<Job*>(argument);
    if (job.busy.at(lane)++ != 0) ++job.clashes;
    ++job.times.at(index);
    --job.busy.at(lane);
  }
};

void runAndCheck(const ThreadTeam& team, uint32_t tasks) {
  const aios_compiled_parallel& parallel = *team.parallel();
  Job job(tasks, parallel.lanes);
  parallel.run(parallel.context, tasks, &Job::task, &job);
  for (const auto& times : job.times) ASSERT_EQ(times.load(), 1);
  ASSERT_EQ(job.clashes.load(), 0);
}

TEST(ThreadTeam, RunsEachTaskOnceAndOneAtATimeInALane) {
  for (const int lanes : {2, 3, 5}) {
    const ThreadTeam team(lanes);
    EXPECT_EQ(team.parallel()->lanes, static_cast<uint32_t>(lanes));
    for (uint32_t job = 0; job < 20'000; ++job) runAndCheck(team, job % 7);
  }
}

TEST(ThreadTeam, WakesThreadsThatSleep) {
  const ThreadTeam team(3);
  for (int job = 0; job < 20; ++job) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    runAndCheck(team, 64);
  }
}

TEST(ThreadTeam, EndsWhetherItsThreadsSleepOrLookForWork) {
  for (int i = 0; i < 200; ++i) {
    const ThreadTeam team(2);
    if (i % 2 == 0) runAndCheck(team, 3);
    if (i % 20 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

TEST(ThreadTeam, IsHelpedByItsThreads) {
  const ThreadTeam team(2);
  // Two tasks that wait for each other can only end on two threads.
  std::atomic<int> arrived{0};
  const aios_compiled_parallel& parallel = *team.parallel();
  parallel.run(
      parallel.context, 2,
      [](void* argument, uint32_t, uint32_t) {
        auto& count = *static_cast<std::atomic<int>*>(argument);
        ++count;
        while (count != 2) std::this_thread::yield();
      },
      &arrived);
  EXPECT_EQ(arrived, 2);
}

}  // namespace
}  // namespace aios::engines::compiled
