// What a manifest says that the model takes and gives.
#pragma once

#include <vector>

#include "bundle/json_fields.hpp"
#include "bundle/manifest.hpp"

namespace aios::bundle {

// The field "signatures": at least one, each of its own name. Throws Unsupported for a dtype that
// this version doesn't know.
std::vector<Signature> parseSignatures(const Json& json);

}  // namespace aios::bundle
