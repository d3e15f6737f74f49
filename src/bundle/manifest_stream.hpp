// What a manifest says of the model as a stream.
#pragma once

#include "bundle/json_fields.hpp"
#include "bundle/manifest.hpp"

namespace aios::bundle {

// The field "stream"; `files` are the manifest's own.
StreamRecord parseStream(const Json& json, const std::vector<FileRecord>& files);

}  // namespace aios::bundle
