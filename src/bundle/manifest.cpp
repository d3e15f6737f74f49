#include "bundle/manifest.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <system_error>

#include "aios/error.hpp"

namespace aios::bundle {
namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;

[[noreturn]] void throwMalformed(const std::string& what) {
  throw Error(ErrorCode::kDataLoss,
              "bundle file 'manifest.json': " + what + "; export the bundle again");
}

const Json& member(const Json& object, const char* key) {
  if (!object.is_object()) throwMalformed(std::string("expected an object with '") + key + "'");
  const auto found = object.find(key);
  if (found == object.end()) throwMalformed(std::string("'") + key + "' is missing");
  return *found;
}

const Json& listMember(const Json& object, const char* key) {
  const Json& value = member(object, key);
  if (!value.is_array()) throwMalformed(std::string("'") + key + "' isn't a list");
  return value;
}

std::string textMember(const Json& object, const char* key) {
  const Json& value = member(object, key);
  if (!value.is_string()) throwMalformed(std::string("'") + key + "' isn't a string");
  return value.get<std::string>();
}

double numberMember(const Json& object, const char* key) {
  const Json& value = member(object, key);
  if (!value.is_number()) throwMalformed(std::string("'") + key + "' isn't a number");
  return value.get<double>();
}

// A part of a tolerance: from 0 to 1, beyond which zeros would pass for any answer.
double toleranceMember(const Json& object, const char* key) {
  const double value = numberMember(object, key);
  if (!(value >= 0 && value <= 1)) {
    throwMalformed(std::string("a tolerance's '") + key + "' is " + object[key].dump() +
                   "; expected a number from 0 to 1");
  }
  return value;
}

// A relative path that stays inside the bundle, word for word and through links.
std::string parsePath(const fs::path& directory, const std::string& text) {
  const fs::path path(text);
  const bool climbs =
      std::any_of(path.begin(), path.end(), [](const fs::path& part) { return part == ".."; });
  if (text.empty() || text.find('\0') != std::string::npos || path.is_absolute() || climbs) {
    throwMalformed("path '" + text + "' leaves the bundle");
  }
  std::error_code ignored;
  fs::path step = directory;
  for (const fs::path& part : path) {
    step /= part;
    if (fs::is_symlink(step, ignored)) throwMalformed("path '" + text + "' is a symbolic link");
  }
  return text;
}

FileRecord parseFile(const fs::path& directory, const Json& json) {
  FileRecord file;
  file.path = parsePath(directory, textMember(json, "path"));
  const Json& bytes = member(json, "bytes");
  if (!bytes.is_number_unsigned()) throwMalformed("'bytes' of '" + file.path + "' isn't a size");
  file.bytes = bytes.get<uint64_t>();
  file.sha256 = textMember(json, "sha256");
  if (file.sha256.size() != 64) throwMalformed("'sha256' of '" + file.path + "' isn't a SHA-256");
  return file;
}

std::vector<FileRecord> parseFiles(const fs::path& directory, const Json& object) {
  std::vector<FileRecord> files;
  for (const Json& file : listMember(object, "files")) files.push_back(parseFile(directory, file));
  return files;
}

TensorSpec parseSpec(const Json& json) {
  TensorSpec spec;
  spec.name = textMember(json, "name");
  const std::string dtype = textMember(json, "dtype");
  spec.dtype = dtypeFromName(dtype);
  if (spec.dtype == DType::kInvalid) {
    throw Error(ErrorCode::kUnsupported, "tensor '" + spec.name + "' has the dtype '" + dtype +
                                             "', which this version doesn't know; upgrade aios");
  }
  for (const Json& dim : listMember(json, "shape")) {
    if (!dim.is_number_integer() || dim.get<int64_t>() < kAnySize) {
      throwMalformed("the shape of '" + spec.name + "' isn't a list of sizes");
    }
    spec.shape.push_back(dim.get<int64_t>());
  }
  if (spec.shape.size() > kMaxRank) throwMalformed("'" + spec.name + "' has too many dimensions");
  return spec;
}

Signature parseSignature(const Json& json) {
  Signature signature;
  signature.name = textMember(json, "name");
  for (const Json& spec : listMember(json, "inputs")) signature.inputs.push_back(parseSpec(spec));
  for (const Json& spec : listMember(json, "outputs")) signature.outputs.push_back(parseSpec(spec));
  return signature;
}

Verdict parseVerdict(const std::string& text) {
  if (text == "pending") return Verdict::kPending;
  if (text == "passed") return Verdict::kPassed;
  if (text == "failed") return Verdict::kFailed;
  if (text == "declined") return Verdict::kDeclined;
  throwMalformed("unknown verdict '" + text + "'");
}

std::map<std::string, std::string> parseNames(const Json& json) {
  std::map<std::string, std::string> names;
  if (!json.is_object()) throwMalformed("a graph's tensor names aren't an object");
  for (const auto& [name, value] : json.items()) {
    if (!value.is_string()) throwMalformed("the graph's name of '" + name + "' isn't a string");
    names.emplace(name, value.get<std::string>());
  }
  return names;
}

// Optional: older bundles have none.
std::map<std::string, std::vector<int64_t>> parseSizes(const Json& graph) {
  std::map<std::string, std::vector<int64_t>> sizes;
  const auto found = graph.find("sizes");
  if (found == graph.end()) return sizes;
  if (!found->is_object()) throwMalformed("a graph's 'sizes' aren't an object");
  for (const auto& [name, list] : found->items()) {
    if (!list.is_array()) throwMalformed("the graph's sizes of '" + name + "' aren't a list");
    for (const Json& size : list) {
      if (!size.is_number_integer() || size.get<int64_t>() < 1) {
        throwMalformed("the graph's sizes of '" + name + "' aren't sizes");
      }
      sizes[name].push_back(size.get<int64_t>());
    }
  }
  return sizes;
}

Graph parseGraph(const fs::path& directory, const Json& json) {
  Graph graph;
  graph.path = parsePath(directory, textMember(json, "path"));
  const Json& batch = member(json, "batch");
  if (!batch.is_number_integer() || batch == 0 || batch < kAnySize) {
    throwMalformed("'batch' of '" + graph.path + "' isn't a batch size");
  }
  graph.batch = batch.get<int64_t>();
  const Json& signature = member(json, "signature");
  if (!signature.is_null()) graph.signature = textMember(json, "signature");
  graph.inputs = parseNames(member(json, "inputs"));
  graph.outputs = parseNames(member(json, "outputs"));
  graph.sizes = parseSizes(json);
  return graph;
}

// A graph is one of the artifact's files, or a directory of them: nothing unhashed is opened.
void requireHashed(const Graph& graph, const std::vector<FileRecord>& files) {
  const bool hashed = std::any_of(files.begin(), files.end(), [&](const FileRecord& file) {
    return file.path == graph.path || file.path.rfind(graph.path + "/", 0) == 0;
  });
  if (!hashed) throwMalformed("graph '" + graph.path + "' isn't among the artifact's files");
}

Artifact parseArtifact(const fs::path& directory, const Json& json) {
  Artifact artifact;
  artifact.engine = textMember(json, "engine");
  artifact.target = textMember(json, "target");
  artifact.precision = textMember(json, "precision");
  artifact.verdict = parseVerdict(textMember(json, "verdict"));
  const Json& reason = member(json, "reason");
  if (reason.is_string()) artifact.reason = reason.get<std::string>();
  const Json& tolerance = member(json, "tolerance");
  artifact.tolerance = {toleranceMember(tolerance, "absolute"),
                        toleranceMember(tolerance, "relative")};
  const Json& max_error = member(json, "max_error");
  if (max_error.is_number()) artifact.max_error = max_error.get<double>();
  const auto samples = json.find("golden_samples");
  if (samples != json.end() && samples->is_number_unsigned()) {
    artifact.golden_samples = samples->get<std::size_t>();
  }
  artifact.files = parseFiles(directory, json);
  for (const Json& graph : listMember(json, "graphs")) {
    artifact.graphs.push_back(parseGraph(directory, graph));
    requireHashed(artifact.graphs.back(), artifact.files);
  }
  artifact.composable = member(json, "composable") == true;
  const bool declined = artifact.verdict == Verdict::kDeclined;
  if (!declined && (artifact.files.empty() || artifact.graphs.empty())) {
    throwMalformed("artifact '" + artifact.engine + "' has no files or no graphs");
  }
  return artifact;
}

Json parseManifest(const fs::path& directory) {
  const MappedFile manifest(directory / "manifest.json");
  const MappedFile recorded(directory / "manifest.sha256");
  const std::string digest = sha256Hex(manifest.data(), manifest.size());
  if (recorded.text() != digest + "\n") {
    throw Error(ErrorCode::kDataLoss, "bundle file 'manifest.json' in '" + directory.string() +
                                          "' doesn't match 'manifest.sha256': expected SHA-256 " +
                                          std::string(recorded.text().substr(0, 64)) + ", got " +
                                          digest + "; export the bundle again");
  }
  Json json = Json::parse(manifest.text(), nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) throwMalformed("it isn't JSON");
  return json;
}

void checkVersion(const Json& json) {
  const Json& version = member(json, "format_version");
  if (!version.is_number_integer()) throwMalformed("'format_version' isn't a number");
  if (version.get<int64_t>() != kFormatVersion) {
    throw Error(ErrorCode::kUnsupported,
                "bundle file 'manifest.json': expected format_version " +
                    std::to_string(kFormatVersion) + ", got " + version.dump() +
                    "; use the aios version that wrote it, or export again");
  }
}

// An exporter without an atomic exchange renames the old bundle aside, then the new one in; if it
// died between the two, the old one still stands aside.
void recoverInterruptedSwap(const fs::path& directory) {
  const fs::path absolute = fs::absolute(directory).lexically_normal();
  const fs::path clean = absolute.has_filename() ? absolute : absolute.parent_path();
  const fs::path aside = clean.parent_path() / ("." + clean.filename().string() + ".aside");
  std::error_code ignored;
  if (!fs::exists(clean, ignored) && fs::is_directory(aside, ignored)) {
    fs::rename(aside, clean, ignored);
  }
}

}  // namespace

namespace {

// As checked against the manifest just before.
std::string manifestHash(const fs::path& directory) {
  return std::string(MappedFile(directory / "manifest.sha256").text().substr(0, 64));
}

}  // namespace

Bundle readBundle(const fs::path& directory) {
  recoverInterruptedSwap(directory);
  std::error_code ignored;
  if (!fs::is_directory(directory, ignored)) {
    throw Error(ErrorCode::kNotFound, "no bundle at '" + directory.string() +
                                          "': expected a directory that aios.export() wrote");
  }
  const Json json = parseManifest(directory);
  checkVersion(json);
  Bundle bundle;
  bundle.directory = directory;
  bundle.sha256 = manifestHash(directory);
  for (const Json& entry : listMember(json, "signatures")) {
    bundle.signatures.push_back(parseSignature(entry));
  }
  if (bundle.signatures.empty()) throwMalformed("it has no signature");
  for (const Json& entry : listMember(json, "artifacts")) {
    bundle.artifacts.push_back(parseArtifact(directory, entry));
  }
  bundle.shared_files = parseFiles(directory, json);
  bundle.golden = parsePath(directory, textMember(json, "golden"));
  return bundle;
}

void checkFiles(const Bundle& bundle, bool sizes_only) {
  std::set<std::string> checked;  // artifacts may share files
  const auto check = [&](const FileRecord& file) {
    if (checked.insert(file.path + '\0' + file.sha256).second) {
      checkFile(bundle.directory, file, sizes_only);
    }
  };
  std::for_each(bundle.shared_files.begin(), bundle.shared_files.end(), check);
  for (const Artifact& artifact : bundle.artifacts) {
    std::for_each(artifact.files.begin(), artifact.files.end(), check);
  }
}

}  // namespace aios::bundle
