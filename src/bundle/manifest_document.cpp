#include "bundle/manifest_document.hpp"

#include <algorithm>

#include "aios/error.hpp"
#include "bundle/json_fields.hpp"
#include "bundle/limits.hpp"
#include "bundle/manifest_artifacts.hpp"
#include "bundle/manifest_files.hpp"
#include "bundle/manifest_signatures.hpp"
#include "bundle/manifest_stream.hpp"

namespace aios::bundle {
namespace {

void checkVersion(const Json& json) {
  const Json& version = member(json, "format_version");
  if (!isInteger(version, 1, Limits::kSize)) refuseManifest("'format_version' isn't a number");
  if (version.get<int64_t>() == kFormatVersion) return;
  throw Error(ErrorCode::kUnsupported, "bundle file 'manifest.json': expected format_version " +
                                           std::to_string(kFormatVersion) + ", got " +
                                           std::to_string(version.get<int64_t>()) +
                                           "; use the aios version that wrote it, or export again");
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
  if (const Json* stream = optionalMember(json, "stream")) {
    bundle.stream = parseStream(*stream, bundle.shared_files);
  }
  return bundle;
}

}  // namespace aios::bundle
