#include "bundle/manifest.hpp"

#include <algorithm>
#include <set>
#include <system_error>

#include "aios/error.hpp"
#include "bundle/json_fields.hpp"
#include "bundle/limits.hpp"
#include "bundle/manifest_document.hpp"

namespace aios::bundle {
namespace {

namespace fs = std::filesystem;

// A SHA-256 and a newline.
constexpr std::size_t kHashBytes = 65;

// An exporter without an atomic exchange renames the old bundle aside, then the new one in; if it
// died between the two, the old one still stands aside.
void recoverInterruptedSwap(const fs::path& directory) {
  std::error_code error;
  const fs::path absolute = fs::absolute(directory, error).lexically_normal();
  if (error) return;
  const fs::path clean = absolute.has_filename() ? absolute : absolute.parent_path();
  const fs::path aside = clean.parent_path() / ("." + clean.filename().string() + ".aside");
  if (!fs::exists(clean, error) && fs::is_directory(aside, error)) {
    fs::rename(aside, clean, error);
  }
}

// The text of manifest.json, and its hash.
std::pair<std::string, std::string> readManifest(const Directory& directory) {
  std::string text = directory.readSmall("manifest.json", Limits::kManifestBytes);
  const std::string recorded = directory.readSmall("manifest.sha256", kHashBytes);
  std::string digest = sha256Hex(text.data(), text.size());
  if (recorded == digest + "\n") return {std::move(text), std::move(digest)};
  throw Error(ErrorCode::kDataLoss, "bundle file 'manifest.json' in '" + directory.path().string() +
                                        "' doesn't match 'manifest.sha256', which has another "
                                        "SHA-256 than " +
                                        digest + "; export the bundle again");
}

// Libraries find files of a directory by themselves: none may be there that wasn't checked.
void requireOnlyChecked(const Bundle& bundle, const std::string& folder) {
  const fs::path root = bundle.files->reach(folder);
  std::error_code error;
  fs::recursive_directory_iterator entry(root, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    if (entry->is_directory(error) && !entry->is_symlink(error)) continue;
    const std::string file = folder + "/" + entry->path().lexically_relative(root).string();
    if (bundle.checked.count(file) != 0) continue;
    bundle.files->throwUnreadable(shown(file), "it isn't in the manifest");
  }
  if (error) bundle.files->throwUnreadable(folder, error.message());
}

}  // namespace

fs::path Bundle::reach(const std::string& file) const {
  return files != nullptr ? files->reach(file) : directory / file;
}

Bundle readBundle(const fs::path& path) {
  if (!path.empty()) recoverInterruptedSwap(path);
  auto directory = std::make_shared<const Directory>(path);
  const auto [text, digest] = readManifest(*directory);
  Bundle bundle = parseManifest(text);
  bundle.directory = path;
  bundle.files = std::move(directory);
  bundle.sha256 = digest;
  return bundle;
}

void checkFiles(Bundle& bundle, bool sizes_only) {
  const auto check = [&](const FileRecord& file) {
    if (bundle.checked.count(file.path) != 0) return;  // artifacts may share files
    bundle.checked.emplace(file.path, checkFile(*bundle.files, file, sizes_only));
  };
  std::for_each(bundle.shared_files.begin(), bundle.shared_files.end(), check);
  for (const Artifact& artifact : bundle.artifacts) {
    std::for_each(artifact.files.begin(), artifact.files.end(), check);
  }
  for (const Artifact& artifact : bundle.artifacts) {
    for (const Graph& graph : artifact.graphs) {
      if (bundle.checked.count(graph.path) == 0) requireOnlyChecked(bundle, graph.path);
    }
  }
}

void requireUnchanged(const Bundle& bundle, const Artifact& artifact) {
  if (bundle.files == nullptr) return;
  for (const FileRecord& file : artifact.files) {
    const auto checked = bundle.checked.find(file.path);
    if (checked != bundle.checked.end()) {
      requireUnchanged(*bundle.files, file.path, checked->second);
    }
  }
}

}  // namespace aios::bundle
