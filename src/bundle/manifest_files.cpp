#include "bundle/manifest_files.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "bundle/limits.hpp"

namespace aios::bundle {
namespace {

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

}  // namespace

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

void checkAllFiles(const Bundle& bundle) {
  std::map<std::string, const FileRecord*> files;
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

}  // namespace aios::bundle
