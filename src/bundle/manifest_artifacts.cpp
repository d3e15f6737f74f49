#include "bundle/manifest_artifacts.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "bundle/limits.hpp"
#include "bundle/manifest_files.hpp"

namespace aios::bundle {
namespace {

// Files by path, in order: those in a directory stand together.
using Files = std::map<std::string, const FileRecord*>;

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

void checkBatches(const Json& json) {
  if (optionalMember(json, "batches") == nullptr) return;
  for (const Json& batch : listMember(json, "batches", Limits::kBatches)) {
    if (!isInteger(batch, 1, Limits::kSize)) refuseManifest("'batches' aren't batch sizes");
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

}  // namespace

Verdict parseVerdict(const std::string& text) {
  if (text == "pending") return Verdict::kPending;
  if (text == "passed") return Verdict::kPassed;
  if (text == "failed") return Verdict::kFailed;
  if (text == "declined") return Verdict::kDeclined;
  refuseManifest("unknown verdict '" + shown(text) + "'");
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

}  // namespace aios::bundle
