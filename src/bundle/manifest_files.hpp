// The files that a manifest names: their paths, sizes and hashes.
#pragma once

#include <string>
#include <vector>

#include "bundle/json_fields.hpp"
#include "bundle/manifest.hpp"

namespace aios::bundle {

// A path of a field: relative, down the bundle, and written in the only way that there is.
std::string pathMember(const Json& object, const char* key);

// The field "files"; none twice.
std::vector<FileRecord> parseFiles(const Json& object);

// Artifacts may share a file, not disagree on it; the golden samples are among the shared ones.
void checkAllFiles(const Bundle& bundle);

}  // namespace aios::bundle
