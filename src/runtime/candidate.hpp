// An artifact that may run here: loaded when it is first needed, and trusted only if it answers.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "aios/performance_cell.hpp"
#include "bundle/manifest.hpp"
#include "runtime/runner.hpp"

namespace aios::runtime {

engines::EngineOptions engineOptions(const std::string& engine, const CellOptions& options);

// Loads an artifact: one runner for each of the bundle's signatures, in its order. Their calls keep
// to the process's thread budget.
std::vector<std::unique_ptr<Runner>> loadRunners(const bundle::Bundle& bundle,
                                                 const bundle::Artifact& artifact,
                                                 const CellOptions& options);

class Candidate {
 public:
  // `bundle` and `artifact` outlive the candidate. `golden_samples` are run before it may serve.
  Candidate(const bundle::Bundle& bundle, const bundle::Artifact& artifact,
            const CellOptions& options, std::size_t golden_samples);

  const bundle::Artifact& artifact() const noexcept { return artifact_; }

  // Loads and checks it the first time. Null if it can't run here; refusal() then says why.
  Runner* runner(std::size_t signature);
  // Rethrows why it can't run here.
  void requireUsable() const;
  // Empty while it can run, or hasn't been tried.
  std::string refusal() const;
  bool isLoaded() const;

  // Adds the figures of all its sessions.
  std::vector<const Runner*> runners() const;

 private:
  void load();

  const bundle::Bundle& bundle_;
  const bundle::Artifact& artifact_;
  const CellOptions options_;
  const std::size_t golden_samples_;
  mutable std::mutex mutex_;
  bool tried_ = false;
  std::exception_ptr failure_;
  std::string refusal_;
  std::vector<std::unique_ptr<Runner>> runners_;
};

}  // namespace aios::runtime
