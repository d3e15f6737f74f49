// What this process gives back to the system.
#pragma once

namespace aios::runtime {

// Gives freed memory back to the system; after unloading a model.
void trimMemory() noexcept;

}  // namespace aios::runtime
