// The GIL, and threads that are in a call when the interpreter exits.
//
// A thread that asks for the GIL back once the interpreter finalises is ended by Python where it
// stands, which aborts the process if C++ is on its stack, and a thread that is still in an engine
// while the process unloads may crash it. So the exit waits for the calls in progress, and daemon
// threads that come back for another one stop there, as all do from Python 3.14 on.
#pragma once

#include <nanobind/nanobind.h>

namespace aios::python {

// A call that the interpreter's exit waits for. Made and destroyed under the GIL. Its constructor
// never returns in a thread that has called before and comes again while the interpreter exits.
class InCall {
 public:
  InCall();
  ~InCall();
  InCall(const InCall&) = delete;
  InCall& operator=(const InCall&) = delete;
};

// Gives the GIL up for as long as it lives. Its destructor doesn't return where the interpreter
// has finalised meanwhile.
class WithoutGil {
 public:
  WithoutGil() : state_(PyEval_SaveThread()) {}
  ~WithoutGil();
  WithoutGil(const WithoutGil&) = delete;
  WithoutGil& operator=(const WithoutGil&) = delete;

 private:
  const InCall in_call_;
  PyThreadState* const state_;
};

// Once, while the module is being imported.
void awaitCallsAtExit();

}  // namespace aios::python
