#include "engines/one_process.hpp"

#include <string>

#include "aios/error.hpp"
#include "core/fork.hpp"

namespace aios::engines {

void OneProcess::note() noexcept {
  int none = kNone;
  generation_.compare_exchange_strong(none, forkGeneration());
}

void OneProcess::enter() {
  note();
  if (generation_.load() == forkGeneration()) return;
  throw Error(
      ErrorCode::kFailedPrecondition,
      std::string("engine '") + engine_ +
          "' was in use when this process was forked, and its threads stayed behind; use it "
          "in children only, start them with 'spawn', or take another engine");
}

}  // namespace aios::engines
