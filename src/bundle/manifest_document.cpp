#include "bundle/manifest_document.hpp"

#include <algorithm>
#include <limits>
#include <set>
#include <tuple>
#include <utility>

#include "aios/error.hpp"
#include "bundle/json_fields.hpp"

namespace aios::bundle {
namespace {

// Files by path, in order: those in a directory stand together.
using Files = std::map<std::string, const FileRecord*>;

void checkVersion(const Json& json) {
  const Json& version = member(json, "format_version");
  if (!isInteger(version, 1, Limits::kSize)) refuseManifest("'format_version' isn't a number");
  if (version.get<int64_t>() == kFormatVersion) return;
  throw Error(ErrorCode::kUnsupported, "bundle file 'manifest.json': expected format_version " +
                                           std::to_string(kFormatVersion) + ", got " +
                                           std::to_string(version.get<int64_t>()) +
                                           "; use the aios version that wrote it, or export again");
}

// Relative, down the bundle, and written in the only way that there is.
std::string pathMember(const Json& object, const char* key) {
  std::string path = textMember(object, key, Limits::kPathBytes);
  bool plain = path.find('\0') == std::string::npos && path[0] != '/';
  for (std::size_t begin = 0, end = 0; plain && end != std::string::npos; begin = end + 1) {
    end = path.find('/', begin);
    const std::string part = path.substr(begin, end - begin);
    plain = !part.empty() && part != "." && part != "..";
  }
  if (!plain) refuseManifest("path '" + shown(path) + "' leaves the bundle or isn't a plain one");
  return path;
}

FileRecord parseFile(const Json& json) {
  FileRecord file;
  file.path = pathMember(json, "path");
  const Json& bytes = member(json, "bytes");
  if (!isInteger(bytes, 0, Limits::kFileBytes)) {
    refuseManifest("'bytes' of '" + shown(file.path) + "' isn't a size from 0 to " +
                   std::to_string(Limits::kFileBytes));
  }
  file.bytes = bytes.get<uint64_t>();
  const Json& digest = member(json, "sha256");
  if (digest.is_string()) file.sha256 = digest.get<std::string>();
  const bool hexadecimal = file.sha256.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (file.sha256.size() != 64 || !hexadecimal) {
    refuseManifest("'sha256' of '" + shown(file.path) + "' isn't a SHA-256");
  }
  return file;
}

std::vector<FileRecord> parseFiles(const Json& object) {
  std::vector<FileRecord> files;
  std::set<std::string> paths;
  for (const Json& json : listMember(object, "files", Limits::kFiles)) {
    files.push_back(parseFile(json));
    if (paths.insert(files.back().path).second) continue;
    refuseManifest("file '" + shown(files.back().path) + "' is listed twice");
  }
  return files;
}

// Fewer than half of the sizes can be multiplied without a check: an element has up to 16 bytes.
void checkTensorSize(const TensorSpec& spec) {
  int64_t bytes = static_cast<int64_t>(byteSize(spec.dtype));
  for (const int64_t size : spec.shape) {
    if (size == 0) return;
  }
  for (const int64_t size : spec.shape) {
    if (size == kAnySize) continue;
    if (size > Limits::kTensorBytes / bytes) {
      refuseManifest("'" + shown(spec.name) + "' has more than " +
                     std::to_string(Limits::kTensorBytes) + " bytes");
    }
    bytes *= size;
  }
}

TensorSpec parseSpec(const Json& json) {
  TensorSpec spec;
  spec.name = textMember(json, "name", Limits::kNameBytes);
  if (spec.name.find('\0') != std::string::npos) {
    refuseManifest("'" + shown(spec.name) + "' isn't a tensor's name");
  }
  const std::string dtype = textMember(json, "dtype", Limits::kNameBytes);
  spec.dtype = dtypeFromName(dtype);
  if (spec.dtype == DType::kInvalid) {
    throw Error(ErrorCode::kUnsupported, "tensor '" + shown(spec.name) + "' has the dtype '" +
                                             shown(dtype) +
                                             "', which this version doesn't know; upgrade aios");
  }
  const Json& shape = member(json, "shape");
  const bool sizes =
      shape.is_array() && std::all_of(shape.begin(), shape.end(), [](const Json& dim) {
        return isInteger(dim, kAnySize, Limits::kSize);
      });
  if (!sizes) refuseManifest("the shape of '" + shown(spec.name) + "' isn't a list of sizes");
  if (shape.size() > kMaxRank) {
    refuseManifest("'" + shown(spec.name) + "' has too many dimensions");
  }
  spec.shape = shape.get<std::vector<int64_t>>();
  checkTensorSize(spec);
  return spec;
}

std::vector<TensorSpec> parseSpecs(const Json& json, const std::string& signature,
                                   const char* role) {
  const std::string key = std::string(role) + "s";
  std::vector<TensorSpec> specs;
  std::set<std::string> names;
  for (const Json& entry : listMember(json, key.c_str(), Limits::kTensors)) {
    specs.push_back(parseSpec(entry));
    if (names.insert(specs.back().name).second) continue;
    refuseManifest("signature '" + shown(signature) + "' has two " + key + " named '" +
                   shown(specs.back().name) + "'");
  }
  if (specs.empty()) refuseManifest("signature '" + shown(signature) + "' has no " + key);
  return specs;
}

std::vector<Signature> parseSignatures(const Json& json) {
  std::vector<Signature> signatures;
  std::set<std::string> names;
  for (const Json& entry : listMember(json, "signatures", Limits::kSignatures)) {
    Signature signature;
    signature.name = textMember(entry, "name", Limits::kNameBytes);
    if (!names.insert(signature.name).second) {
      refuseManifest("signature '" + shown(signature.name) + "' is there twice");
    }
    signature.inputs = parseSpecs(entry, signature.name, "input");
    signature.outputs = parseSpecs(entry, signature.name, "output");
    signatures.push_back(std::move(signature));
  }
  if (signatures.empty()) refuseManifest("it has no signature");
  return signatures;
}

Verdict parseVerdict(const std::string& text) {
  if (text == "pending") return Verdict::kPending;
  if (text == "passed") return Verdict::kPassed;
  if (text == "failed") return Verdict::kFailed;
  if (text == "declined") return Verdict::kDeclined;
  refuseManifest("unknown verdict '" + shown(text) + "'");
}

// What a graph says of tensors by name; an empty object if it is missing.
const Json& membersOf(const Json& graph, const char* key) {
  static const Json nothing = Json::object();
  const Json* json = optionalMember(graph, key);
  if (json == nullptr) return nothing;
  if (!json->is_object()) refuseManifest(std::string("a graph's '") + key + "' isn't an object");
  if (json->size() > Limits::kTensors) {
    refuseManifest(std::string("a graph's '") + key + "' has more than " +
                   std::to_string(Limits::kTensors) + " entries");
  }
  return *json;
}

// The unknown inner sizes that a graph is made for.
std::map<std::string, std::vector<int64_t>> parseSizes(const Json& graph) {
  std::map<std::string, std::vector<int64_t>> sizes;
  for (const auto& [name, given] : membersOf(graph, "sizes").items()) {
    const bool are_sizes =
        given.is_array() && std::all_of(given.begin(), given.end(), [](const Json& size) {
          return isInteger(size, 1, Limits::kSize);
        });
    if (!are_sizes) {
      refuseManifest("the graph's sizes of '" + shown(name) + "' aren't a list of sizes");
    }
    if (given.size() > kMaxRank) {
      refuseManifest("the graph's sizes of '" + shown(name) + "' are too many");
    }
    sizes.emplace(name, given.get<std::vector<int64_t>>());
  }
  return sizes;
}

// The graph's own tensor names.
std::map<std::string, std::string> parseNames(const Json& graph, const char* key) {
  std::map<std::string, std::string> names;
  for (const auto& [name, value] : membersOf(graph, key).items()) {
    checkText(value, "the graph's name of '" + shown(name) + "'", Limits::kNameBytes);
    names.emplace(name, value.get<std::string>());
  }
  return names;
}

Graph parseGraph(const Json& json, const std::vector<Signature>& signatures) {
  Graph graph;
  graph.path = pathMember(json, "path");
  if (const Json* batch = optionalMember(json, "batch")) {
    if (!isInteger(*batch, kAnySize, Limits::kSize) || *batch == 0) {
      refuseManifest("'batch' of '" + shown(graph.path) + "' isn't a batch size");
    }
    graph.batch = batch->get<int64_t>();
  }
  if (optionalMember(json, "signature") != nullptr) {
    graph.signature = textMember(json, "signature", Limits::kNameBytes);
    const bool known = std::any_of(signatures.begin(), signatures.end(),
                                   [&](const auto& s) { return s.name == graph.signature; });
    if (!known) {
      refuseManifest("graph '" + shown(graph.path) + "' is of the signature '" +
                     shown(graph.signature) + "', which isn't there");
    }
  }
  graph.inputs = parseNames(json, "inputs");
  graph.outputs = parseNames(json, "outputs");
  graph.sizes = parseSizes(json);
  return graph;
}

// A graph is one of the artifact's files, or a directory of them: nothing unhashed is opened.
void requireHashed(const Graph& graph, const Files& files) {
  const std::string folder = graph.path + "/";
  const auto inside = files.lower_bound(folder);
  const bool hashed = files.count(graph.path) != 0 ||
                      (inside != files.end() && inside->first.rfind(folder, 0) == 0);
  if (!hashed) {
    refuseManifest("graph '" + shown(graph.path) + "' isn't among the artifact's files");
  }
}

std::vector<Graph> parseGraphs(const Json& json, const std::vector<Signature>& signatures,
                               const Artifact& artifact) {
  Files files;
  for (const FileRecord& file : artifact.files) files.emplace(file.path, &file);
  std::vector<Graph> graphs;
  std::set<std::tuple<std::string, int64_t, std::map<std::string, std::vector<int64_t>>>> kinds;
  for (const Json& entry : listMember(json, "graphs", Limits::kGraphs)) {
    graphs.push_back(parseGraph(entry, signatures));
    requireHashed(graphs.back(), files);
    const Graph& made = graphs.back();
    if (kinds.emplace(made.signature, made.batch, made.sizes).second) continue;
    refuseManifest("artifact '" + shown(artifact.engine) + "' has two graphs for the same calls");
  }
  return graphs;
}

// A part of a tolerance: beyond 1, zeros would pass for any answer.
double toleranceMember(const Json& object, const char* key) {
  const Json& value = member(object, key);
  const double part = value.is_number() ? value.get<double>() : -1;
  if (!(part >= 0 && part <= 1)) {
    refuseManifest(std::string("a tolerance's '") + key + "' isn't a number from 0 to 1");
  }
  return part;
}

// Figures of the export, which may be missing.
double figureOf(const Json& json, const char* key) {
  const Json* value = optionalMember(json, key);
  if (value == nullptr) return 0;
  if (!value->is_number()) refuseManifest(std::string("'") + key + "' isn't a number");
  return value->get<double>();
}

// A number of samples, which may be missing.
std::size_t countOf(const Json& json, const char* key, std::size_t otherwise) {
  const Json* value = optionalMember(json, key);
  if (value == nullptr) return otherwise;
  if (!isInteger(*value, 0, Limits::kSize)) {
    refuseManifest(std::string("'") + key + "' isn't a number of samples");
  }
  return value->get<std::size_t>();
}

Range parseRange(const std::string& name, const Json& json) {
  const bool numbers =
      json.is_array() && json.size() == 2 && json[0].is_number() && json[1].is_number();
  const Range range = numbers ? Range{json[0].get<double>(), json[1].get<double>()} : Range{};
  const double largest = std::numeric_limits<double>::max();
  if (!numbers || !(-largest <= range.low && range.low <= range.high && range.high <= largest)) {
    refuseManifest("the range of '" + shown(name) + "' isn't a pair of numbers, the lower first");
  }
  return range;
}

void checkEntries(const Json& object, const char* key, std::size_t most_entries) {
  if (object.is_object() && object.size() <= most_entries) return;
  refuseManifest(std::string("'") + key + "' isn't an object of at most " +
                 std::to_string(most_entries) + " entries");
}

// Ranges of inputs by signature.
SignatureRanges parseRanges(const Json& json, const char* key) {
  SignatureRanges ranges;
  checkEntries(json, key, Limits::kSignatures);
  for (const auto& [signature, inputs] : json.items()) {
    checkEntries(inputs, key, Limits::kTensors);
    InputRanges& own = ranges[signature];
    for (const auto& [name, range] : inputs.items()) own.emplace(name, parseRange(name, range));
  }
  return ranges;
}

void checkBatches(const Json& json) {
  if (optionalMember(json, "batches") == nullptr) return;
  for (const Json& batch : listMember(json, "batches", Limits::kBatches)) {
    if (!isInteger(batch, 1, Limits::kSize)) refuseManifest("'batches' aren't batch sizes");
  }
}

void parseFindings(const Json& json, Artifact& artifact) {
  if (const Json* reason = optionalMember(json, "reason")) {
    if (!reason->is_string() ||
        reason->get_ref<const std::string&>().size() > Limits::kReasonBytes) {
      refuseManifest("'reason' isn't a string of at most " + std::to_string(Limits::kReasonBytes) +
                     " bytes");
    }
    artifact.reason = reason->get<std::string>();
  }
  const Json& tolerance = member(json, "tolerance");
  artifact.tolerance = {toleranceMember(tolerance, "absolute"),
                        toleranceMember(tolerance, "relative")};
  artifact.max_error = figureOf(json, "max_error");
  for (const char* key : {"worst", "relative_error", "top1_agreement"}) figureOf(json, key);
  artifact.golden_samples = countOf(json, "golden_samples", artifact.golden_samples);
  artifact.probes = countOf(json, "probes", 0);
  artifact.propagated = std::min(countOf(json, "propagated", 0), artifact.probes);
  if (const Json* proven = optionalMember(json, "proven_range")) {
    artifact.proven = parseRanges(*proven, "proven_range");
    artifact.range_known = true;
  }
}

Artifact parseArtifact(const Json& json, const std::vector<Signature>& signatures) {
  Artifact artifact;
  artifact.engine = textMember(json, "engine", Limits::kWordBytes);
  artifact.target = textMember(json, "target", Limits::kWordBytes);
  artifact.precision = textMember(json, "precision", Limits::kWordBytes);
  artifact.verdict = parseVerdict(textMember(json, "verdict", Limits::kWordBytes));
  parseFindings(json, artifact);
  artifact.files = parseFiles(json);
  artifact.graphs = parseGraphs(json, signatures, artifact);
  if (const Json* composable = optionalMember(json, "composable")) {
    if (!composable->is_boolean()) refuseManifest("'composable' isn't true or false");
    artifact.composable = composable->get<bool>();
  }
  checkBatches(json);
  const Json* in_child = optionalMember(json, "proved_in_child");
  if (in_child != nullptr && !in_child->is_boolean()) {
    refuseManifest("'proved_in_child' isn't true or false");
  }
  const bool declined = artifact.verdict == Verdict::kDeclined;
  if (!declined && (artifact.files.empty() || artifact.graphs.empty())) {
    refuseManifest("artifact '" + shown(artifact.engine) + "' has no files or no graphs");
  }
  return artifact;
}

std::vector<Artifact> parseArtifacts(const Json& json, const std::vector<Signature>& signatures) {
  std::vector<Artifact> artifacts;
  std::set<std::tuple<std::string, std::string, std::string>> kinds;
  for (const Json& entry : listMember(json, "artifacts", Limits::kArtifacts)) {
    artifacts.push_back(parseArtifact(entry, signatures));
    const Artifact& made = artifacts.back();
    if (made.verdict == Verdict::kDeclined) continue;
    if (kinds.emplace(made.engine, made.target, made.precision).second) continue;
    refuseManifest("the artifact of '" + shown(made.engine) + "' for '" + shown(made.target) +
                   "' in '" + shown(made.precision) + "' is there twice");
  }
  return artifacts;
}

// Artifacts may share a file, not disagree on it.
void checkAllFiles(const Bundle& bundle) {
  Files files;
  int64_t bytes = 0;
  const auto add = [&](const FileRecord& file) {
    const auto [found, is_new] = files.emplace(file.path, &file);
    const FileRecord& first = *found->second;
    if (first.bytes != file.bytes || first.sha256 != file.sha256) {
      refuseManifest("file '" + shown(file.path) + "' is recorded in two ways");
    }
    // Each is at most kFileBytes, and the sum is checked at once: it doesn't overflow.
    bytes += is_new ? static_cast<int64_t>(file.bytes) : 0;
    if (bytes > Limits::kBundleBytes) {
      refuseManifest("its files have more than " + std::to_string(Limits::kBundleBytes) + " bytes");
    }
  };
  for (const Artifact& artifact : bundle.artifacts) {
    std::for_each(artifact.files.begin(), artifact.files.end(), add);
  }
  std::for_each(bundle.shared_files.begin(), bundle.shared_files.end(), add);
  const bool hashed = std::any_of(bundle.shared_files.begin(), bundle.shared_files.end(),
                                  [&](const auto& file) { return file.path == bundle.golden; });
  if (!hashed) {
    refuseManifest("golden samples '" + shown(bundle.golden) + "' aren't among its 'files'");
  }
}

// What only Python reads.
void checkDescription(const Json& json) {
  if (optionalMember(json, "labels") != nullptr) {
    for (const Json& label : listMember(json, "labels", Limits::kLabels)) {
      if (!label.is_string()) refuseManifest("'labels' aren't strings");
    }
  }
  const Json* provenance = optionalMember(json, "provenance");
  if (provenance != nullptr && !provenance->is_object()) {
    refuseManifest("'provenance' isn't an object");
  }
  const Json* own = optionalMember(json, "own_samples");
  if (own == nullptr) return;
  checkEntries(*own, "own_samples", Limits::kSignatures);
  const bool counts = std::all_of(own->begin(), own->end(), [](const Json& count) {
    return isInteger(count, 0, Limits::kSize);
  });
  if (!counts) refuseManifest("'own_samples' aren't numbers of samples");
}

}  // namespace

Bundle parseManifest(const std::string& text) {
  const Json json = parseJson(text, Limits::kLevels);
  checkVersion(json);
  Bundle bundle;
  bundle.signatures = parseSignatures(json);
  if (const Json* ranges = optionalMember(json, "input_ranges")) {
    bundle.input_ranges = parseRanges(*ranges, "input_ranges");
  }
  bundle.artifacts = parseArtifacts(json, bundle.signatures);
  for (Artifact& artifact : bundle.artifacts) {
    if (!artifact.range_known) artifact.proven = bundle.input_ranges;
  }
  bundle.shared_files = parseFiles(json);
  bundle.golden = pathMember(json, "golden");
  checkAllFiles(bundle);
  checkDescription(json);
  return bundle;
}

}  // namespace aios::bundle
