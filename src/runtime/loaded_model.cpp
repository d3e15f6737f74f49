#include "runtime/loaded_model.hpp"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <system_error>
#include <thread>

#include "engines/tensorflow/tensorflow_model.hpp"
#include "runtime/process.hpp"

namespace aios::runtime {
namespace {

using Endpoints = std::vector<std::unique_ptr<Endpoint>>;

constexpr std::size_t kQuickSamples = 2;
constexpr std::size_t kAllSamples = std::numeric_limits<std::size_t>::max();

std::size_t poolCapacity() { return std::max(4U, 2 * std::thread::hardware_concurrency()); }

Endpoints endpointsOf(const std::shared_ptr<const engines::Model>& model,
                      const bundle::Bundle& bundle) {
  Endpoints endpoints;
  for (const Signature& signature : bundle.signatures) {
    endpoints.push_back(std::make_unique<Endpoint>(model, signature, poolCapacity()));
  }
  return endpoints;
}

// Why an artifact that is in the bundle may not run; empty if it may.
std::string refusal(const bundle::Artifact& artifact) {
  if (artifact.verdict == bundle::Verdict::kPassed) return "";
  return artifact.reason.empty() ? "it was never verified" : artifact.reason;
}

[[noreturn]] void throwNoEngine(const bundle::Bundle& bundle, const std::string& engine,
                                const std::vector<EngineChoice>& choices) {
  std::string reasons;
  for (const EngineChoice& choice : choices) {
    reasons += (reasons.empty() ? "" : "; ") + choice.engine + ": " + choice.reason;
  }
  if (reasons.empty()) reasons = "it has no artifact for that engine";
  throw Error(ErrorCode::kNotFound, "bundle '" + bundle.directory.string() +
                                        "' can't run on engine '" + engine + "' here: " + reasons);
}

void requireGolden(const bundle::Bundle& bundle, const bundle::Artifact& artifact,
                   const Endpoints& endpoints, std::size_t samples) {
  const bundle::GoldenSamples golden(bundle.directory / bundle.golden);
  const Verification result = verifyModel(endpoints, golden, artifact.tolerance, samples);
  if (result.ok) return;
  throw Error(ErrorCode::kDataLoss, "bundle '" + bundle.directory.string() + "' on engine '" +
                                        artifact.engine + "': " + result.reason +
                                        "; nothing was loaded; export the bundle on this machine");
}

void requireEveryEngine(const bundle::Bundle& bundle, const CellOptions& options) {
  for (const ArtifactVerification& entry : verifyBundle(bundle.directory, options, false)) {
    if (entry.verification.ok || entry.verification.samples == 0) continue;
    throw Error(ErrorCode::kDataLoss, "bundle '" + bundle.directory.string() + "' on engine '" +
                                          entry.artifact.engine +
                                          "': " + entry.verification.reason +
                                          "; nothing was loaded; export the bundle again");
  }
}

bool isBareSavedModel(const std::string& path) {
  std::error_code ignored;
  const std::filesystem::path directory(path);
  return !std::filesystem::exists(directory / "manifest.json", ignored) &&
         std::filesystem::exists(directory / "saved_model.pb", ignored);
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

LoadedModel::LoadedModel(const std::string& path, const std::vector<std::string>& tags,
                         const CellOptions& options)
    : fork_generation_(forkGeneration()) {
  if (isBareSavedModel(path)) {
    if (options.engine != "auto" && options.engine != "tensorflow") {
      throw Error(ErrorCode::kNotFound, "'" + path +
                                            "' is a bare SavedModel, which only the engine "
                                            "'tensorflow' runs, not '" +
                                            options.engine + "'; export it as a bundle");
    }
    bundle_ = engines::describeSavedModel(path, tags, engineOptions("tensorflow", options));
    load(options);
    return;
  }
  bundle_ = bundle::readBundle(path);
  bundle::checkFiles(bundle_, options.verify == Verify::kOff);
  load(options);
  if (options.verify == Verify::kQuick)
    requireGolden(bundle_, artifact_, endpoints_, kQuickSamples);
  if (options.verify == Verify::kFull) {
    requireGolden(bundle_, artifact_, endpoints_, kAllSamples);
    requireEveryEngine(bundle_, options);
  }
}

LoadedModel::~LoadedModel() {
  endpoints_.clear();
  trimMemory();
}

// The first artifact, in the exporter's order, whose engine is here; damage is never passed over.
void LoadedModel::load(const CellOptions& options) {
  for (const bundle::Artifact& artifact : bundle_.artifacts) {
    if (options.engine != "auto" && artifact.engine != options.engine) continue;
    EngineChoice choice{artifact.engine, artifact.target, artifact.precision, false,
                        refusal(artifact)};
    const bool wanted = choice.reason.empty() && endpoints_.empty();
    if (wanted) {
      try {
        endpoints_ = endpointsOf(
            engines::loadModel(bundle_, artifact, engineOptions(artifact.engine, options)),
            bundle_);
        artifact_ = artifact;
        choice.chosen = true;
        choice.reason = "the first that runs here, in the bundle's order";
      } catch (const Error& error) {
        const bool elsewhere =
            error.code() == ErrorCode::kNotFound || error.code() == ErrorCode::kUnsupported;
        if (!elsewhere || options.engine != "auto") throw;
        choice.reason = error.what();
      }
    } else if (choice.reason.empty()) {
      choice.reason = "comes after one that runs here, in the bundle's order";
    }
    choices_.push_back(std::move(choice));
  }
  if (endpoints_.empty()) throwNoEngine(bundle_, options.engine, choices_);
}

void LoadedModel::requireSameProcess() const {
  if (fork_generation_ == forkGeneration()) return;
  throw Error(ErrorCode::kFailedPrecondition,
              "this process was forked after the model was loaded, which engines don't survive; "
              "load it again in the child, or start children with 'spawn'");
}

Endpoint& LoadedModel::endpoint(const std::string& signature) const {
  requireSameProcess();
  std::string known;
  for (const std::unique_ptr<Endpoint>& endpoint : endpoints_) {
    const std::string& name = endpoint->signature().name;
    if (signature.empty() || signature == name) return *endpoint;
    known += (known.empty() ? "'" : ", '") + name + "'";
  }
  throw Error(ErrorCode::kNotFound,
              "no signature '" + signature + "' in this model; it has " + known);
}

Metrics LoadedModel::metrics() const {
  Metrics metrics;
  metrics.engine = engine();
  for (const std::unique_ptr<Endpoint>& endpoint : endpoints_) {
    metrics.signatures.push_back(endpoint->metrics());
  }
  return metrics;
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
          verifyModel(endpointsOf(model, bundle), golden, artifact.tolerance, kAllSamples);
    } catch (const Error& error) {
      entry.verification.ok = false;
      entry.verification.reason = error.what();
    }
    results.push_back(std::move(entry));
  }
  return results;
}

}  // namespace aios::runtime
