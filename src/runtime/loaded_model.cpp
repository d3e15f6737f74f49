#include "runtime/loaded_model.hpp"

#include <algorithm>
#include <limits>
#include <thread>

namespace aios::runtime {
namespace {

constexpr std::size_t kQuickSamples = 2;
constexpr std::size_t kAllSamples = std::numeric_limits<std::size_t>::max();

std::size_t poolCapacity() { return std::max(4U, 2 * std::thread::hardware_concurrency()); }

// Why no artifact of the asked-for engine may run.
std::string refusal(const bundle::Bundle& bundle, const std::string& engine) {
  std::string text;
  for (const bundle::Artifact& artifact : bundle.artifacts) {
    if (engine != "auto" && artifact.engine != engine) continue;
    text += (text.empty() ? "" : "; ") + artifact.engine + ": ";
    text += artifact.reason.empty() ? "it was never verified" : artifact.reason;
  }
  return text.empty() ? "it has no artifact for that engine" : text;
}

// Passed artifacts in the order that the exporter wrote them: its stated order of preference.
std::vector<const bundle::Artifact*> candidates(const bundle::Bundle& bundle,
                                                const std::string& engine) {
  std::vector<const bundle::Artifact*> found;
  for (const bundle::Artifact& artifact : bundle.artifacts) {
    const bool asked_for = engine == "auto" || artifact.engine == engine;
    if (asked_for && artifact.verdict == bundle::Verdict::kPassed) found.push_back(&artifact);
  }
  if (found.empty()) {
    throw Error(ErrorCode::kNotFound, "bundle '" + bundle.directory.string() +
                                          "' can't run on engine '" + engine +
                                          "': " + refusal(bundle, engine));
  }
  return found;
}

struct Choice {
  const bundle::Artifact* artifact;
  std::shared_ptr<const engines::Model> model;
};

// The first candidate whose engine is here; damage is never passed over.
Choice choose(const bundle::Bundle& bundle, const CellOptions& options) {
  std::string reasons;
  for (const bundle::Artifact* artifact : candidates(bundle, options.engine)) {
    try {
      return {artifact,
              engines::loadModel(bundle, *artifact, engineOptions(artifact->engine, options))};
    } catch (const Error& error) {
      const bool elsewhere =
          error.code() == ErrorCode::kNotFound || error.code() == ErrorCode::kUnsupported;
      if (!elsewhere || options.engine != "auto") throw;
      reasons += (reasons.empty() ? "" : "; ") + std::string(error.what());
    }
  }
  throw Error(ErrorCode::kNotFound,
              "no engine for bundle '" + bundle.directory.string() + "' here: " + reasons);
}

using Pools = std::vector<std::unique_ptr<SessionPool>>;

Pools poolsOf(const std::shared_ptr<const engines::Model>& model, const bundle::Bundle& bundle) {
  Pools pools;
  for (const Signature& signature : bundle.signatures) {
    pools.push_back(std::make_unique<SessionPool>(model, signature, poolCapacity()));
  }
  return pools;
}

void requireGolden(const bundle::Bundle& bundle, const bundle::Artifact& artifact,
                   const Pools& pools, std::size_t samples) {
  const bundle::GoldenSamples golden(bundle.directory / bundle.golden);
  const Verification result = verifyModel(pools, golden, artifact.tolerance, samples);
  if (result.ok) return;
  throw Error(ErrorCode::kDataLoss, "bundle '" + bundle.directory.string() + "' on engine '" +
                                        artifact.engine + "': " + result.reason +
                                        "; nothing was loaded; export the bundle on this machine");
}

void requireEveryEngine(const std::string& path, const CellOptions& options) {
  for (const ArtifactVerification& entry : verifyBundle(path, options, false)) {
    if (entry.verification.ok || entry.verification.samples == 0) continue;
    throw Error(ErrorCode::kDataLoss, "bundle '" + path + "' on engine '" + entry.artifact.engine +
                                          "': " + entry.verification.reason +
                                          "; nothing was loaded; export the bundle again");
  }
}

}  // namespace

engines::EngineOptions engineOptions(const std::string& engine, const CellOptions& options) {
  engines::EngineOptions result;
  result.threads = options.threads;
  if (engine == "litert") result.library = options.litert_library;
  if (engine == "openvino") result.library = options.openvino_library;
  if (engine == "tensorflow") result.library = options.tensorflow_library;
  return result;
}

LoadedModel::LoadedModel(const std::string& path, const CellOptions& options)
    : bundle_(bundle::readBundle(path)) {
  bundle::checkFiles(bundle_, options.verify == Verify::kOff);
  const Choice choice = choose(bundle_, options);
  artifact_ = *choice.artifact;
  pools_ = poolsOf(choice.model, bundle_);
  if (options.verify == Verify::kQuick) requireGolden(bundle_, artifact_, pools_, kQuickSamples);
  if (options.verify == Verify::kFull) {
    requireGolden(bundle_, artifact_, pools_, kAllSamples);
    requireEveryEngine(path, options);
  }
}

std::vector<ArtifactVerification> verifyBundle(const std::string& path, const CellOptions& options,
                                               bool include_pending) {
  const bundle::Bundle bundle = bundle::readBundle(path);
  bundle::checkFiles(bundle, /*sizes_only=*/false);
  const bundle::GoldenSamples golden(bundle.directory / bundle.golden);
  std::vector<ArtifactVerification> results;
  for (const bundle::Artifact& artifact : bundle.artifacts) {
    const bool pending = artifact.verdict == bundle::Verdict::kPending && include_pending;
    if (artifact.verdict != bundle::Verdict::kPassed && !pending) continue;
    ArtifactVerification entry{artifact, {}};
    try {
      const auto model =
          engines::loadModel(bundle, artifact, engineOptions(artifact.engine, options));
      entry.verification =
          verifyModel(poolsOf(model, bundle), golden, artifact.tolerance, kAllSamples);
    } catch (const Error& error) {
      entry.verification.ok = false;
      entry.verification.reason = error.what();
    }
    results.push_back(std::move(entry));
  }
  return results;
}

}  // namespace aios::runtime
