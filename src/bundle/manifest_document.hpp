// manifest.json, from text to a Bundle whose every part is of its type, within its limits and
// consistent with the others. The same rules and words are in python/aios/bundle/schema.py; the
// limits are told in docs/reference/bundles.md.
#pragma once

#include <string>

#include "bundle/manifest.hpp"

namespace aios::bundle {

// Throws DataLoss for what breaks a rule, naming it; Unsupported for another format version, or a
// dtype that this version doesn't know.
Bundle parseManifest(const std::string& text);

}  // namespace aios::bundle
