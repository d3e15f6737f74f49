// A bundle opened, checked, and ready to run on one engine.
#pragma once

#include <string>
#include <vector>

#include "aios/performance_cell.hpp"
#include "bundle/manifest.hpp"
#include "runtime/session_pool.hpp"
#include "runtime/verifier.hpp"

namespace aios::runtime {

// What became of one artifact of a bundle on this machine.
struct ArtifactVerification {
  bundle::Artifact artifact;
  Verification verification;
};

class LoadedModel {
 public:
  // Opens the bundle, checks it as options.verify says, and loads the chosen artifact.
  LoadedModel(const std::string& path, const CellOptions& options);

  const std::string& engine() const noexcept { return artifact_.engine; }
  const Signature& signature() const noexcept { return pools_.front()->signature(); }
  SessionPool& pool() noexcept { return *pools_.front(); }

 private:
  bundle::Bundle bundle_;
  bundle::Artifact artifact_;
  std::vector<std::unique_ptr<SessionPool>> pools_;  // one per signature, in the bundle's order
};

engines::EngineOptions engineOptions(const std::string& engine, const CellOptions& options);

// Checks every file, then runs all golden samples on every artifact that has the verdict passed,
// and on those still pending if asked for (that is how an exporter gets its verdicts). An engine
// that isn't installed here is reported, not thrown.
std::vector<ArtifactVerification> verifyBundle(const std::string& path, const CellOptions& options,
                                               bool include_pending);

}  // namespace aios::runtime
