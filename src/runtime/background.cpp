#include "runtime/background.hpp"

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

#include <exception>
#include <system_error>
#include <thread>

namespace aios::runtime {
namespace {

// A tenth of the processor time of a thread that competes for the same CPU, and never nothing: work
// that got none might hold a lock of the allocator that a call waits for.
constexpr int kNicer = 10;

thread_local bool in_background = false;

// Threads that are started in its scope leave all signals to the others.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

// Not joinable where the system gives no more threads.
std::thread startThread(const std::function<void()>& work) {
  const SignalsBlocked blocked;
  try {
    return std::thread(work);
  } catch (const std::system_error&) {
    return {};
  }
}

}  // namespace

void lowerPriority() noexcept {
#if defined(__linux__)
  // Linux alone takes 0 for the calling thread; more than 19 counts as 19.
  ::setpriority(PRIO_PROCESS, 0, ::getpriority(PRIO_PROCESS, 0) + kNicer);
#endif
}

void inBackground(const std::function<void()>& work) {
  std::exception_ptr failure;
  const auto attempt = [&] {
    lowerPriority();
    in_background = true;
    try {
      work();
    } catch (...) {
      failure = std::current_exception();
    }
  };
  std::thread thread = in_background ? std::thread() : startThread(attempt);
  if (!thread.joinable()) {
    work();
    return;
  }
  thread.join();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace aios::runtime
