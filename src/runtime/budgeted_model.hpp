// A model whose calls hold a share of the process's thread budget while they run.
#pragma once

#include <memory>

#include "engines/engine.hpp"
#include "runtime/thread_budget.hpp"

namespace aios::runtime {

// The model itself where calls of so many threads need no share: they then cost nothing more.
// `budget` outlives the model.
std::shared_ptr<const engines::Model> budgeted(std::shared_ptr<const engines::Model> model,
                                               int threads, ThreadBudget& budget);

}  // namespace aios::runtime
