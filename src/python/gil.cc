#include "gil.hpp"

#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <thread>

namespace nb = nanobind;

namespace aios::python {
namespace {

// A call that never ends doesn't keep the process from ending.
constexpr std::chrono::seconds kLongestWait{30};

std::atomic<int> calls = 0;
std::atomic<bool> exiting = false;

struct ThisThread {
  int calls = 0;
  bool has_called = false;
  bool exits = false;  // it is the one that ends the interpreter
};
thread_local ThisThread this_thread;

// The process ends by its main thread, whatever the others wait for.
[[noreturn]] void park() {
  for (;;) ::pause();
}

void awaitCalls() {
  this_thread.exits = true;
  exiting = true;
  const WithoutGil released;
  const auto deadline = std::chrono::steady_clock::now() + kLongestWait;
  while (calls > this_thread.calls && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

}  // namespace

InCall::InCall() {
  // A thread that something started at exit, and may wait for, has not called before.
  const bool is_late = exiting && !this_thread.exits && this_thread.has_called;
  if (is_late && this_thread.calls == 0) {
    PyEval_SaveThread();
    park();
  }
  this_thread.has_called = true;
  ++this_thread.calls;
  ++calls;
}

InCall::~InCall() {
  --this_thread.calls;
  --calls;
}

WithoutGil::~WithoutGil() {
  try {
    PyEval_RestoreThread(state_);
  } catch (...) {
    // Python ends the thread by unwinding its stack, which has frames that may not be unwound.
    park();
  }
}

void awaitCallsAtExit() {
  // The threads of the calls in progress aren't in the child.
  ::pthread_atfork(nullptr, nullptr, [] { calls = this_thread.calls; });
  nb::module_::import_("atexit").attr("register")(nb::cpp_function(&awaitCalls));
}

}  // namespace aios::python
