// What a manifest says of each engine's files, and how they did.
#pragma once

#include <vector>

#include "bundle/json_fields.hpp"
#include "bundle/manifest.hpp"

namespace aios::bundle {

// The field "artifacts"; none twice of an engine, target and precision.
std::vector<Artifact> parseArtifacts(const Json& json, const std::vector<Signature>& signatures);

// "pending", "passed", "failed" or "declined".
Verdict parseVerdict(const std::string& text);
// Tolerance, reason and figures of an export.
void parseFindings(const Json& json, Artifact& artifact);

// Ranges of inputs by signature; `key` is the field's name.
SignatureRanges parseRanges(const Json& json, const char* key);

}  // namespace aios::bundle
