// A bundle opened, checked, and ready to run on the engines that may.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "aios/performance_cell.hpp"
#include "bundle/manifest.hpp"
#include "runtime/endpoint.hpp"
#include "runtime/verifier.hpp"

namespace aios::runtime {

// What became of one artifact of a bundle on this machine.
struct ArtifactVerification {
  bundle::Artifact artifact;
  Verification verification;
};

class LoadedModel {
 public:
  // Opens the bundle, checks it as options.verify says, and chooses an engine for batch 1; or opens
  // a bare SavedModel directory with these tags, on the engine that runs those and with nothing to
  // check. Again, where another bundle is put in its place meanwhile.
  static std::shared_ptr<LoadedModel> load(const std::string& path,
                                           const std::vector<std::string>& tags,
                                           const CellOptions& options);
  // Once.
  LoadedModel(const std::string& path, const std::vector<std::string>& tags,
              const CellOptions& options);
  ~LoadedModel();
  LoadedModel(const LoadedModel&) = delete;
  LoadedModel& operator=(const LoadedModel&) = delete;

  // Of the default signature's last call.
  std::string engine() const { return endpoints_.front()->lastEngine(); }
  // The endpoint of a signature; the default's if the name is empty. Throws NotFound, naming those
  // that there are, and FailedPrecondition in a process that was forked after loading.
  Endpoint& endpoint(const std::string& signature = "") const;
  // Throws FailedPrecondition in a process that was forked after loading.
  void requireSameProcess() const;
  bool isForked() const noexcept;
  const std::vector<std::unique_ptr<Endpoint>>& endpoints() const noexcept { return endpoints_; }

  // The model of one step, which streams share; loaded now if it wasn't before. Throws Unsupported
  // where the bundle has no stream, saying why, and what loading it throws.
  std::shared_ptr<LoadedModel> stepModel();
  // Of the bundle; only where stepModel() gave one.
  const bundle::StreamRecord& stream() const { return *bundle_.stream; }

  Metrics metrics() const;
  // The default signature's choices, then artifacts that never take part.
  std::vector<EngineChoice> explain() const;

 private:
  void enter(const CellOptions& options);
  void prepare();

  int fork_generation_;
  const CellOptions options_;
  bundle::Bundle bundle_;
  Contest contest_;
  std::vector<EngineChoice> excluded_;
  std::vector<std::unique_ptr<Endpoint>> endpoints_;  // one per signature, in the bundle's order
  std::mutex loading_step_;
  std::shared_ptr<LoadedModel> step_model_;
};

// What verifyBundle() does of its work.
struct VerifyScope {
  bool include_pending = false;  // that is how an exporter gets its verdicts
  bool check_files = true;       // their sizes and SHA-256
  // The only artifact to run; empty: all.
  std::string engine;
  std::string target;
  std::string precision;
};

// Checks every file, then runs all golden samples on every artifact that has the verdict passed,
// and on those still pending if asked for. An artifact that can't run is reported, not thrown.
std::vector<ArtifactVerification> verifyBundle(const std::string& path, const CellOptions& options,
                                               const VerifyScope& scope = {});

}  // namespace aios::runtime
