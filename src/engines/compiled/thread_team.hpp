// Threads that help one caller with one call: `aios_compiled_parallel` of compiled_model.h.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#include "aios/compiled_model.h"

namespace aios::engines::compiled {

// The caller is lane 0, and `lanes - 1` threads of the team are the others. For one caller at a
// time. Threads that are out of work look for more for some microseconds and then sleep.
class ThreadTeam {
 public:
  // `lanes` is 2 or more. Throws std::system_error where the system gives no thread.
  explicit ThreadTeam(int lanes);
  ~ThreadTeam();
  ThreadTeam(const ThreadTeam&) = delete;
  ThreadTeam& operator=(const ThreadTeam&) = delete;

  // What a compiled model's `run` takes; lives as long as the team.
  const aios_compiled_parallel* parallel() const noexcept { return &parallel_; }

 private:
  using Task = void (*)(void* argument, uint32_t index, uint32_t lane);

  void run(uint32_t count, Task task, void* argument) noexcept;
  void work(uint32_t lane) noexcept;
  // Does tasks of the job that is on until none is left to take.
  void takeTasks(uint32_t lane) noexcept;
  uint64_t waitForAnother(uint64_t job) noexcept;
  void stop() noexcept;

  aios_compiled_parallel parallel_;

  // The job's number, how many tasks it has, and which is next to take, in one word. A job is over
  // only when every task that was taken is done, so whoever has taken one finds that job's task and
  // argument below.
  std::atomic<uint64_t> state_{0};
  Task task_ = nullptr;
  void* argument_ = nullptr;
  std::atomic<uint32_t> done_{0};

  std::mutex mutex_;
  std::condition_variable woken_;
  std::atomic<uint32_t> sleepers_{0};
  std::atomic<bool> stopping_{false};
  std::vector<std::thread> threads_;
};

}  // namespace aios::engines::compiled
