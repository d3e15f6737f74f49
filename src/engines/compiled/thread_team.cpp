#include "engines/compiled/thread_team.hpp"

namespace aios::engines::compiled {
namespace {

// About 20 µs: waking a thread that sleeps takes twice that.
constexpr int kSpins = 1000;

constexpr int kJobShift = 48, kCountShift = 24;
constexpr uint64_t kPart = (uint64_t{1} << 24) - 1;

constexpr uint64_t jobOf(uint64_t state) { return state >> kJobShift; }
constexpr uint64_t countOf(uint64_t state) { return state >> kCountShift & kPart; }
constexpr uint64_t nextOf(uint64_t state) { return state & kPart; }

void pause() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

ThreadTeam::ThreadTeam(int lanes)
    : parallel_{sizeof(aios_compiled_parallel), static_cast<uint32_t>(lanes), this,
                [](void* context, uint32_t count, Task task, void* argument) {
                  static_cast<ThreadTeam*>(context)->run(count, task, argument);
                }} {
  try {
    for (int lane = 1; lane < lanes; ++lane) {
      threads_.emplace_back(&ThreadTeam::work, this, static_cast<uint32_t>(lane));
    }
  } catch (...) {
    stop();
    throw;
  }
}

ThreadTeam::~ThreadTeam() { stop(); }

void ThreadTeam::stop() noexcept {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  woken_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void ThreadTeam::run(uint32_t count, Task task, void* argument) noexcept {
  // Nobody looks at these: the last job is over, and the next is not on yet.
  task_ = task;
  argument_ = argument;
  done_.store(0, std::memory_order_relaxed);
  const uint64_t job = (jobOf(state_.load(std::memory_order_relaxed)) + 1) << kJobShift;
  state_.store(job | uint64_t{count} << kCountShift);
  if (sleepers_.load() != 0) {
    const std::lock_guard<std::mutex> lock(mutex_);
    woken_.notify_all();
  }
  takeTasks(0);
  for (int i = 0; done_.load(std::memory_order_acquire) != count; ++i) {
    if (i < kSpins) {
      pause();
    } else {
      std::this_thread::yield();  // a helper has lost its processor
    }
  }
}

void ThreadTeam::takeTasks(uint32_t lane) noexcept {
  // Looked at first: to take where nothing is left would still count up, in time into the number
  // of tasks.
  while (nextOf(state_.load(std::memory_order_relaxed)) <
         countOf(state_.load(std::memory_order_relaxed))) {
    const uint64_t taken = state_.fetch_add(1, std::memory_order_acq_rel);
    if (nextOf(taken) >= countOf(taken)) return;
    task_(argument_, static_cast<uint32_t>(nextOf(taken)), lane);
    done_.fetch_add(1, std::memory_order_release);
  }
}

uint64_t ThreadTeam::waitForAnother(uint64_t job) noexcept {
  const auto isThere = [&] { return jobOf(state_.load()) != job || stopping_.load(); };
  for (int i = 0; i < kSpins; ++i) {
    if (isThere()) return jobOf(state_.load());
    pause();
  }
  std::unique_lock<std::mutex> lock(mutex_);
  ++sleepers_;
  woken_.wait(lock, isThere);
  --sleepers_;
  return jobOf(state_.load());
}

void ThreadTeam::work(uint32_t lane) noexcept {
  uint64_t job = 0;
  while (!stopping_.load()) {
    job = waitForAnother(job);
    takeTasks(lane);
  }
}

}  // namespace aios::engines::compiled
