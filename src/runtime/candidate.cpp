#include "runtime/candidate.hpp"

#include <algorithm>
#include <utility>

#include "bundle/golden.hpp"
#include "engines/engine_table.hpp"
#include "runtime/background.hpp"
#include "runtime/budgeted_model.hpp"
#include "runtime/verifier.hpp"

namespace aios::runtime {
namespace {

// Whether loading may start threads that stay: those of some engines serve everyone in the process,
// those of the others their own session.
bool startsThreads(const std::string& engine, const CellOptions& options) {
  const engines::EngineFacts* facts = engines::findEngine(engine);
  return facts == nullptr || facts->starts_threads || threadBudget().cut(options.threads) > 1;
}

std::string libraryOf(const std::string& engine, const CellOptions& options) {
  const auto given = options.libraries.find(engine);
  if (given != options.libraries.end()) return given->second;
  const engines::EngineFacts* facts = engines::findEngine(engine);
  if (facts == nullptr || facts->library.option == nullptr) return "";
  return options.*(facts->library.option);
}

Runners loadProved(const bundle::Bundle& bundle, const bundle::Artifact& artifact,
                   const CellOptions& options, std::size_t golden_samples) {
  Runners runners = loadRunners(bundle, artifact, options);
  if (golden_samples == 0) return runners;
  const bundle::GoldenSamples golden(*bundle.files, bundle.golden);
  const Verification result = verifyModel(runners, golden, artifact, golden_samples);
  if (result.ok) return runners;
  throw Error(ErrorCode::kDataLoss, "bundle '" + bundle.directory.string() + "' on engine '" +
                                        artifact.engine + "': " + result.reason +
                                        "; export the bundle on this machine");
}

}  // namespace

std::size_t sessionCapacity() {
  return static_cast<std::size_t>(std::max(4, 2 * threadBudget().size()));
}

engines::EngineOptions engineOptions(const std::string& engine, const CellOptions& options) {
  engines::EngineOptions result;
  result.threads = threadBudget().cut(options.threads);
  result.library = libraryOf(engine, options);
  return result;
}

Runners loadRunners(const bundle::Bundle& bundle, const bundle::Artifact& artifact,
                    const CellOptions& options) {
  const engines::EngineOptions own = engineOptions(artifact.engine, options);
  // Before, so that nothing else is loaded; and after, because it may be changed in between.
  bundle::requireUnchanged(bundle, artifact);
  const auto model =
      budgeted(engines::loadModel(bundle, artifact, own), own.threads, threadBudget());
  bundle::requireUnchanged(bundle, artifact);
  Runners runners;
  for (const Signature& signature : bundle.signatures) {
    runners.push_back(std::make_unique<Runner>(model, signature, sessionCapacity()));
  }
  return runners;
}

Candidate::Candidate(const bundle::Artifact& artifact, std::function<Runners()> load,
                     std::string reserve)
    : artifact_(artifact), load_(std::move(load)), reserve_(std::move(reserve)) {}

Candidate::Candidate(const bundle::Bundle& bundle, const bundle::Artifact& artifact,
                     const CellOptions& options, std::size_t golden_samples, std::string reserve)
    : Candidate(
          artifact,
          [&bundle, &artifact, options, golden_samples] {
            Runners runners;
            const auto load = [&] {
              runners = loadProved(bundle, artifact, options, golden_samples);
            };
            if (startsThreads(artifact.engine, options)) {
              load();
            } else {
              inBackground(load);
            }
            return runners;
          },
          std::move(reserve)) {}

Runner* Candidate::runner(std::size_t signature) {
  const std::lock_guard<std::mutex> loading(loading_);
  if (!tried_) {
    tried_ = true;
    Runners loaded;
    std::exception_ptr failure;
    std::string refusal;
    try {
      loaded = load_();
    } catch (const std::exception& error) {
      failure = std::current_exception();
      refusal = error.what();
    } catch (...) {
      refusal = "engine '" + artifact_.engine + "' threw an exception of an unknown type";
      failure = std::make_exception_ptr(Error(ErrorCode::kInternal, refusal));
    }
    const std::lock_guard<std::mutex> lock(mutex_);
    runners_ = std::move(loaded);
    failure_ = failure;
    refusal_ = std::move(refusal);
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

std::vector<const Runner*> Candidate::runners() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::vector<const Runner*> found;
  for (const auto& runner : runners_) found.push_back(runner.get());
  return found;
}

}  // namespace aios::runtime
