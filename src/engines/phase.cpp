#include "engines/phase.hpp"

#include <unistd.h>

#include <atomic>
#include <cstring>

namespace aios::engines {
namespace {

std::atomic<int> listener{-1};
std::atomic<const char*> current{"answering"};

// Straight to the file: whatever follows may end the process.
void tell(const char* name) noexcept {
  const int descriptor = listener.load(std::memory_order_relaxed);
  if (descriptor < 0) return;
  [[maybe_unused]] const auto written = ::pwrite(descriptor, name, std::strlen(name) + 1, 0);
}

}  // namespace

void reportPhases(int descriptor) noexcept {
  listener.store(descriptor, std::memory_order_relaxed);
  tell(current.load(std::memory_order_relaxed));
}

Phase::Phase(const char* name) noexcept : before_(current.exchange(name)) { tell(name); }

Phase::~Phase() {
  current.store(before_);
  tell(before_);
}

}  // namespace aios::engines
