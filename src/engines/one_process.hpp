// Vendors' libraries whose threads serve the whole process, and so don't outlive a fork.
#pragma once

#include <atomic>

namespace aios::engines {

// One for each such library.
class OneProcess {
 public:
  explicit OneProcess(const char* engine) : engine_(engine) {}

  // Before anything of the library is used. Throws FailedPrecondition, at once, in a process that
  // was forked after that: a call would wait for threads that only its parent has.
  void enter();
  // The library is, or may be, in use already.
  void note() noexcept;

 private:
  static constexpr int kNone = -1;
  const char* const engine_;
  std::atomic<int> generation_ = kNone;  // of the process that used the library first
};

}  // namespace aios::engines
