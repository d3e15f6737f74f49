// What clients of a server may do at most, as Python says it.
#pragma once

#include <chrono>

#include "server/client_limits.hpp"
#include "server/loop.hpp"

namespace aios::python {

struct ConnectionLimits {
  server::LoopLimits loop;
  server::ClientRates client;
};

// Longer ones are as good as for ever; many more milliseconds would fit no clock. Throws
// InvalidArgument, with the name, for nan.
std::chrono::milliseconds millisecondsOf(const char* name, double seconds);

}  // namespace aios::python
