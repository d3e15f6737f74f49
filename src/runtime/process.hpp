// What this process is: forked or not, and what it gives back to the system.
#pragma once

namespace aios::runtime {

// Grows by one in every child that this process forks.
int forkGeneration() noexcept;

// Gives freed memory back to the system; after unloading a model.
void trimMemory() noexcept;

}  // namespace aios::runtime
