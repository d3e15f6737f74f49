#include "runtime/candidate.hpp"

#include <algorithm>

#include "bundle/golden.hpp"
#include "runtime/background.hpp"
#include "runtime/budgeted_model.hpp"
#include "runtime/verifier.hpp"

namespace aios::runtime {
namespace {

// Callers beyond this wait for a session: more would only take turns on the same processors.
std::size_t poolCapacity() {
  return static_cast<std::size_t>(std::max(4, 2 * threadBudget().size()));
}

// Whether loading may start threads that stay: OpenVINO's and TensorFlow's serve everyone in the
// process, those of the others their own session.
bool startsThreads(const std::string& engine, const CellOptions& options) {
  if (engine == "compiled" || engine == "litert") return threadBudget().cut(options.threads) > 1;
  return true;
}

}  // namespace

engines::EngineOptions engineOptions(const std::string& engine, const CellOptions& options) {
  engines::EngineOptions result;
  result.threads = threadBudget().cut(options.threads);
  if (engine == "litert") result.library = options.litert_library;
  if (engine == "openvino") result.library = options.openvino_library;
  if (engine == "tensorflow") result.library = options.tensorflow_library;
  return result;
}

std::vector<std::unique_ptr<Runner>> loadRunners(const bundle::Bundle& bundle,
                                                 const bundle::Artifact& artifact,
                                                 const CellOptions& options) {
  const engines::EngineOptions own = engineOptions(artifact.engine, options);
  const auto model =
      budgeted(engines::loadModel(bundle, artifact, own), own.threads, threadBudget());
  std::vector<std::unique_ptr<Runner>> runners;
  for (const Signature& signature : bundle.signatures) {
    runners.push_back(std::make_unique<Runner>(model, signature, poolCapacity()));
  }
  return runners;
}

Candidate::Candidate(const bundle::Bundle& bundle, const bundle::Artifact& artifact,
                     const CellOptions& options, std::size_t golden_samples)
    : bundle_(bundle), artifact_(artifact), options_(options), golden_samples_(golden_samples) {}

void Candidate::load() {
  auto runners = loadRunners(bundle_, artifact_, options_);
  if (golden_samples_ != 0) {
    const bundle::GoldenSamples golden(bundle_.directory / bundle_.golden);
    const Verification result = verifyModel(runners, golden, artifact_, golden_samples_);
    if (!result.ok) {
      throw Error(ErrorCode::kDataLoss, "bundle '" + bundle_.directory.string() + "' on engine '" +
                                            artifact_.engine + "': " + result.reason +
                                            "; export the bundle on this machine");
    }
  }
  runners_ = std::move(runners);
}

Runner* Candidate::runner(std::size_t signature) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!tried_) {
    tried_ = true;
    try {
      if (startsThreads(artifact_.engine, options_)) {
        load();
      } else {
        inBackground([this] { load(); });
      }
    } catch (const std::exception& error) {
      failure_ = std::current_exception();
      refusal_ = error.what();
    }
  }
  return runners_.empty() ? nullptr : runners_[signature].get();
}

void Candidate::requireUsable() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (failure_) std::rethrow_exception(failure_);
}

std::string Candidate::refusal() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return refusal_;
}

bool Candidate::isLoaded() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return !runners_.empty();
}

std::vector<const Runner*> Candidate::runners() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::vector<const Runner*> found;
  for (const auto& runner : runners_) found.push_back(runner.get());
  return found;
}

}  // namespace aios::runtime
