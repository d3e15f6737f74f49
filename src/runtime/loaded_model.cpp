#include "runtime/loaded_model.hpp"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <limits>
#include <system_error>
#include <utility>

#include "core/fork.hpp"
#include "engines/engine_table.hpp"
#include "engines/library_check.hpp"
#include "runtime/background.hpp"
#include "runtime/preference.hpp"
#include "runtime/process.hpp"
#include "runtime/thread_budget.hpp"

namespace aios::runtime {
namespace {

constexpr std::size_t kQuickSamples = 2;
constexpr std::size_t kAllSamples = std::numeric_limits<std::size_t>::max();

std::size_t goldenSamplesFor(Verify verify) {
  if (verify == Verify::kOff) return 0;
  return verify == Verify::kFull ? kAllSamples : kQuickSamples;
}

bool allows(const CellOptions& options, const std::string& precision) {
  return options.precision == "fastest" || options.precision == precision;
}

// Why an artifact takes no part in the contest; empty if it does.
std::string exclusion(const bundle::Artifact& artifact, const CellOptions& options) {
  if (artifact.verdict != bundle::Verdict::kPassed) {
    return artifact.reason.empty() ? "it was never verified" : artifact.reason;
  }
  if (!allows(options, artifact.precision)) {
    return options.precision == "float32"
               ? "its precision is lower than float32; allow it with precision='fastest'"
               : "precision='" + options.precision + "' was asked for";
  }
  return "";
}

// Whoever names an engine gets it.
std::vector<Preferred> asListed(const std::vector<const bundle::Artifact*>& artifacts) {
  std::vector<Preferred> order;
  for (const bundle::Artifact* artifact : artifacts) order.push_back({artifact, ""});
  return order;
}

// Unknown inner sizes of a signature's inputs that graphs of the bundle are made for.
PreparedSizes preparedSizes(const bundle::Bundle& bundle, const Signature& signature) {
  PreparedSizes prepared;
  for (const bundle::Artifact& artifact : bundle.artifacts) {
    for (const bundle::Graph& graph : artifact.graphs) {
      if (graph.sizes.empty() || (!graph.signature.empty() && graph.signature != signature.name)) {
        continue;
      }
      std::vector<int64_t> sizes;
      for (const TensorSpec& spec : signature.inputs) {
        const auto found = graph.sizes.find(spec.name);
        if (found == graph.sizes.end()) continue;
        sizes.insert(sizes.end(), found->second.begin(), found->second.end());
      }
      prepared.insert(std::move(sizes));
    }
  }
  return prepared;
}

[[noreturn]] void throwNoArtifact(const bundle::Bundle& bundle, const std::string& engine,
                                  const std::vector<EngineChoice>& excluded) {
  std::string reasons;
  for (const EngineChoice& row : excluded) {
    const std::string precision = row.precision == "float32" ? "" : " " + row.precision;
    reasons += (reasons.empty() ? "" : "; ") + row.engine + precision + ": " + row.reason;
  }
  if (reasons.empty()) reasons = "it has no artifact for that engine";
  throw Error(ErrorCode::kNotFound, "bundle '" + bundle.directory.string() +
                                        "' can't run on engine '" + engine + "' here: " + reasons);
}

bool asksFor(const VerifyScope& scope, const bundle::Artifact& artifact) {
  const bool pending = artifact.verdict == bundle::Verdict::kPending && scope.include_pending;
  if (artifact.verdict != bundle::Verdict::kPassed && !pending) return false;
  return scope.engine.empty() ||
         (artifact.engine == scope.engine && artifact.target == scope.target &&
          artifact.precision == scope.precision);
}

// Whether an artifact that can't be run here isn't wrong for that: nothing runs it, or it is code
// for other machines, or a precision that not every processor calculates in.
bool isForElsewhere(const bundle::Artifact& artifact, ErrorCode code) {
  if (code == ErrorCode::kNotFound) return true;
  const engines::EngineFacts* facts = engines::findEngine(artifact.engine);
  const bool of_some_machines =
      (facts != nullptr && facts->machine_code) || artifact.precision != "float32";
  return code == ErrorCode::kUnsupported && of_some_machines;
}

Verification verifyArtifact(const bundle::Bundle& bundle, const bundle::Artifact& artifact,
                            const bundle::GoldenSamples& golden, const CellOptions& options) {
  Verification result;
  result.ok = false;
  try {
    Verification answered =
        verifyModel(loadRunners(bundle, artifact, options), golden, artifact, kAllSamples);
    engines::rememberHarmless(engineOptions(artifact.engine, options).library);
    return answered;
  } catch (const Error& error) {
    result.reason = error.what();
    result.not_run = isForElsewhere(artifact, error.code());
  } catch (const std::exception& error) {
    result.reason = "engine '" + artifact.engine + "': " + error.what();
  } catch (...) {
    result.reason = "engine '" + artifact.engine + "' threw an exception of an unknown type";
  }
  return result;
}

void requireEveryEngine(const bundle::Bundle& bundle, const CellOptions& options) {
  for (const ArtifactVerification& entry : verifyBundle(bundle.directory, options)) {
    if (entry.verification.ok || entry.verification.samples == 0) continue;
    throw Error(ErrorCode::kDataLoss, "bundle '" + bundle.directory.string() + "' on engine '" +
                                          entry.artifact.engine +
                                          "': " + entry.verification.reason +
                                          "; nothing was loaded; export the bundle again");
  }
}

void requireStream(const bundle::Bundle& bundle) {
  if (bundle.stream && bundle.stream->verdict == bundle::Verdict::kPassed) return;
  const std::string why = bundle.stream ? "it can't be one: " + bundle.stream->reason
                                        : "export it with stream=True to make one";
  throw Error(ErrorCode::kUnsupported,
              "bundle '" + bundle.directory.string() + "' has no stream; " + why);
}

// The step must be the one that the bundle was published with.
void requireRecorded(const bundle::Bundle& bundle, const bundle::Bundle& step) {
  const std::string file = bundle.stream->path + "/manifest.json";
  for (const bundle::FileRecord& known : bundle.shared_files) {
    if (known.path == file && known.sha256 == step.sha256) return;
  }
  throw Error(ErrorCode::kDataLoss, "bundle file '" + file + "' in '" + bundle.directory.string() +
                                        "' isn't what was exported; export the bundle again");
}

bool isBareSavedModel(const std::string& path) {
  std::error_code ignored;
  const std::filesystem::path directory(path);
  return !std::filesystem::exists(directory / "manifest.json", ignored) &&
         std::filesystem::exists(directory / "saved_model.pb", ignored);
}

// A library by its path, size and time: another version measures differently.
std::string libraryKey(const std::string& path) {
  std::error_code ignored;
  const auto bytes = std::filesystem::file_size(path, ignored);
  const auto time = std::filesystem::last_write_time(path, ignored);
  return path + " " + std::to_string(bytes) + " " +
         std::to_string(time.time_since_epoch().count()) + "\n";
}

std::string cacheKey(const bundle::Bundle& bundle, const CellOptions& options) {
  std::string key = bundle.sha256 + "\n" + machineKey() + "\n" +
                    std::to_string(threadBudget().cut(options.threads)) + "\n" + options.precision +
                    "\n";
  for (const engines::EngineFacts& row : engines::engineTable()) {
    if (*row.library.vendor != '\0') key += libraryKey(engineOptions(row.name, options).library);
  }
  return key;
}

// The signatures of a bare SavedModel, and the artifact that runs it.
bundle::Bundle describeSavedModel(const std::string& path, const std::vector<std::string>& tags,
                                  const CellOptions& options) {
  std::vector<std::string> able;
  for (const engines::EngineFacts& row : engines::engineTable()) {
    if (row.describeSavedModel == nullptr) continue;
    if (options.engine == "auto" || options.engine == row.name) {
      return row.describeSavedModel(path, tags, engineOptions(row.name, options));
    }
    able.push_back(std::string("'") + row.name + "'");
  }
  throw Error(ErrorCode::kNotFound, "'" + path + "' is a bare SavedModel, which only the engine " +
                                        engines::listed(able, " or ") + " runs, not '" +
                                        options.engine + "'; export it as a bundle");
}

std::string enginesThatForkingStops() {
  std::vector<std::string> names;
  for (const engines::EngineFacts& row : engines::engineTable()) {
    if (!row.survives_fork) names.emplace_back(row.name);
  }
  return engines::listed(names, " and ");
}

[[noreturn]] void throwNotSigned(const std::string& path) {
  throw Error(ErrorCode::kDataLoss,
              "'" + path +
                  "' isn't the bundle whose manifest was expected; it may just have been "
                  "replaced: load it again, and if that fails sign it again");
}

}  // namespace

std::shared_ptr<LoadedModel> LoadedModel::load(const std::string& path,
                                               const std::vector<std::string>& tags,
                                               const CellOptions& options) {
  return bundle::thoughReplaced(path,
                                [&] { return std::make_shared<LoadedModel>(path, tags, options); });
}

LoadedModel::LoadedModel(const std::string& path, const std::vector<std::string>& tags,
                         const CellOptions& options)
    : fork_generation_(forkGeneration()), options_(options) {
  CellOptions used = options;
  const std::string& signed_manifest = options.manifest_sha256;
  if (isBareSavedModel(path)) {
    if (!signed_manifest.empty()) throwNotSigned(path);
    used.verify = Verify::kOff;
    bundle_ = describeSavedModel(path, tags, options);
  } else {
    inBackground([&] {
      bundle_ = bundle::readBundle(path);
      if (!signed_manifest.empty() && bundle_.sha256 != signed_manifest) throwNotSigned(path);
      bundle::checkFiles(bundle_, options.verify == Verify::kOff && signed_manifest.empty());
    });
  }
  if (used.verify == Verify::kFull) requireEveryEngine(bundle_, used);
  enter(used);
  prepare();
}

LoadedModel::~LoadedModel() {
  if (isForked()) {
    // Engines would wait for their threads, which stayed in the parent.
    using Candidates = decltype(contest_.candidates);
    static_cast<void>(std::make_unique<Candidates>(std::move(contest_.candidates)).release());
    return;
  }
  endpoints_.clear();
  contest_.candidates.clear();
  trimMemory();
}

void LoadedModel::enter(const CellOptions& options) {
  std::vector<const bundle::Artifact*> allowed;
  for (const bundle::Artifact& artifact : bundle_.artifacts) {
    if (options.engine != "auto" && artifact.engine != options.engine) continue;
    EngineChoice row = rowOf(artifact);
    row.reason = exclusion(artifact, options);
    if (row.reason.empty()) {
      allowed.push_back(&artifact);
    } else {
      excluded_.push_back(std::move(row));
    }
  }
  for (Preferred& entry : options.engine == "auto" ? preferenceOf(allowed) : asListed(allowed)) {
    contest_.candidates.push_back(std::make_unique<Candidate>(bundle_, *entry.artifact, options,
                                                              goldenSamplesFor(options.verify),
                                                              std::move(entry.reserve)));
  }
  if (contest_.candidates.empty()) throwNoArtifact(bundle_, options.engine, excluded_);
  contest_.max_tuning_ms = options.max_tuning_ms;
  if (options.engine == "auto" && options.max_tuning_ms > 0 && contest_.candidates.size() > 1) {
    contest_.cache = std::make_unique<SelectionCache>(cacheKey(bundle_, options));
  }
  for (std::size_t i = 0; i < bundle_.signatures.size(); ++i) {
    endpoints_.push_back(std::make_unique<Endpoint>(contest_, bundle_.signatures[i], i,
                                                    preparedSizes(bundle_, bundle_.signatures[i])));
  }
}

// On a golden sample, or on zeros where there are none.
void LoadedModel::prepare() {
  Endpoint& endpoint = *endpoints_.front();
  if (!bundle_.golden.empty()) {
    const bundle::GoldenSamples golden(*bundle_.files, bundle_.golden);
    if (golden.count(endpoint.signature()) != 0) {
      endpoint.runnerFor(golden.inputs(endpoint.signature(), 0).views, 1);
      return;
    }
  }
  const std::vector<Tensor> tensors = zeros(endpoint.signature().inputs);
  endpoint.runnerFor(viewsOf(tensors), 1);
}

std::shared_ptr<LoadedModel> LoadedModel::stepModel() {
  requireSameProcess();
  const std::lock_guard<std::mutex> lock(loading_step_);
  if (step_model_) return step_model_;
  requireStream(bundle_);
  CellOptions options = options_;
  options.engine = "auto";  // it has artifacts of one
  options.max_tuning_ms = 0;
  options.precision = "float32";
  options.threads = 1;
  const auto loaded = std::make_shared<LoadedModel>(bundle_.reach(bundle_.stream->path).string(),
                                                    std::vector<std::string>(), options);
  requireRecorded(bundle_, loaded->bundle_);
  step_model_ = loaded;
  return loaded;
}

void LoadedModel::requireSameProcess() const {
  if (!isForked()) return;
  throw Error(ErrorCode::kFailedPrecondition,
              "this process was forked after the model was loaded, which engines don't survive; "
              "load it again in the child (" +
                  enginesThatForkingStops() +
                  " can't: they are refused there by name), or start children with 'spawn'");
}

bool LoadedModel::isForked() const noexcept { return fork_generation_ != forkGeneration(); }

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

std::vector<EngineChoice> LoadedModel::explain() const {
  std::vector<EngineChoice> rows = endpoints_.front()->explain();
  rows.insert(rows.end(), excluded_.begin(), excluded_.end());
  const int budget = threadBudget().size();
  for (EngineChoice& row : rows) {
    row.threads = threadBudget().cut(options_.threads);
    if (!row.chosen || options_.threads <= budget) continue;
    row.reason += "; " + std::to_string(options_.threads) +
                  " threads were asked for, this process has a " + "budget of " +
                  std::to_string(budget);
  }
  return rows;
}

namespace {

std::vector<ArtifactVerification> verifyOnce(const std::string& path, const CellOptions& options,
                                             const VerifyScope& scope) {
  bundle::Bundle bundle = bundle::readBundle(path);
  if (scope.check_files) bundle::checkFiles(bundle, /*sizes_only=*/false);
  const bundle::GoldenSamples golden(*bundle.files, bundle.golden);
  std::vector<ArtifactVerification> results;
  for (const bundle::Artifact& artifact : bundle.artifacts) {
    if (asksFor(scope, artifact)) {
      results.push_back({artifact, verifyArtifact(bundle, artifact, golden, options)});
    }
  }
  return results;
}

}  // namespace

std::vector<ArtifactVerification> verifyBundle(const std::string& path, const CellOptions& options,
                                               const VerifyScope& scope) {
  return bundle::thoughReplaced(path, [&] { return verifyOnce(path, options, scope); });
}

}  // namespace aios::runtime
