// An artifact that may run here: loaded when it is first needed, and trusted only if it answers.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "aios/performance_cell.hpp"
#include "bundle/manifest.hpp"
#include "runtime/runner.hpp"

namespace aios::runtime {

// One for each of the bundle's signatures, in its order.
using Runners = std::vector<std::unique_ptr<Runner>>;

engines::EngineOptions engineOptions(const std::string& engine, const CellOptions& options);

// Callers of a signature at a time; more wait for a session, as they would only take turns on the
// same processors.
std::size_t sessionCapacity();

// Loads an artifact. Calls of its runners keep to the process's thread budget.
Runners loadRunners(const bundle::Bundle& bundle, const bundle::Artifact& artifact,
                    const CellOptions& options);

// Safe from any thread. Only runner() may take long.
class Candidate {
 public:
  // `artifact` outlives the candidate. `load` is called once, when the artifact is first needed;
  // what it throws keeps the artifact from running here. `reserve` says why it serves only what no
  // other candidate does; empty for one that takes part like any other.
  Candidate(const bundle::Artifact& artifact, std::function<Runners()> load,
            std::string reserve = "");
  // Loads the artifact from the bundle, which outlives the candidate, and runs so many of its
  // golden samples before it may serve.
  Candidate(const bundle::Bundle& bundle, const bundle::Artifact& artifact,
            const CellOptions& options, std::size_t golden_samples, std::string reserve = "");

  const bundle::Artifact& artifact() const noexcept { return artifact_; }
  const std::string& reserve() const noexcept { return reserve_; }

  // Loads and checks it the first time. Null if it can't run here; refusal() then says why.
  Runner* runner(std::size_t signature);
  // Rethrows why it can't run here.
  void requireUsable() const;
  // Empty while it can run, or hasn't been tried.
  std::string refusal() const;

  // Those of all signatures; none while it isn't loaded.
  std::vector<const Runner*> runners() const;

 private:
  const bundle::Artifact& artifact_;
  const std::function<Runners()> load_;
  const std::string reserve_;

  std::mutex loading_;  // held while it loads
  bool tried_ = false;  // guarded by loading_

  mutable std::mutex mutex_;  // held for moments only
  std::exception_ptr failure_;
  std::string refusal_;
  Runners runners_;  // filled once
};

}  // namespace aios::runtime
