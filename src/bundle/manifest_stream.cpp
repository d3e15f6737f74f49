#include "bundle/manifest_stream.hpp"

#include <algorithm>

#include "bundle/limits.hpp"
#include "bundle/manifest_artifacts.hpp"
#include "bundle/manifest_files.hpp"

namespace aios::bundle {
namespace {

State parseState(const Json& json) {
  State state;
  state.input = textMember(json, "input", Limits::kNameBytes);
  state.output = textMember(json, "output", Limits::kNameBytes);
  textMember(json, "layer", Limits::kNameBytes);
  return state;
}

void requireListed(const std::string& file, const std::vector<FileRecord>& files) {
  const bool listed = std::any_of(files.begin(), files.end(),
                                  [&](const auto& known) { return known.path == file; });
  if (!listed) refuseManifest("the stream's '" + shown(file) + "' isn't among its 'files'");
}

}  // namespace

StreamRecord parseStream(const Json& json, const std::vector<FileRecord>& files) {
  StreamRecord stream;
  stream.verdict = parseVerdict(textMember(json, "verdict", Limits::kWordBytes));
  if (stream.verdict == Verdict::kPending) refuseManifest("unknown verdict 'pending'");
  if (stream.verdict != Verdict::kDeclined) {
    stream.path = pathMember(json, "path");
    requireListed(stream.path + "/manifest.json", files);
  }
  for (const Json& entry : listMember(json, "states", Limits::kTensors)) {
    stream.states.push_back(parseState(entry));
  }
  for (const char* key : {"samples", "frames", "latency_frames"}) {
    if (!isInteger(member(json, key), 0, Limits::kSize)) {
      refuseManifest(std::string("'") + key + "' isn't a number of samples or frames");
    }
  }
  Artifact figures;
  parseFindings(json, figures);
  stream.reason = figures.reason;
  return stream;
}

}  // namespace aios::bundle
