// Signatures by the names that TensorFlow Serving's clients give them.
#pragma once

#include <string>

#include "server/models.hpp"

namespace aios::server::api {

// The name of the default signature in TensorFlow Serving, which clients may send to any model.
inline constexpr const char* kDefaultSignature = "serving_default";

// The endpoint of a signature; the default's where the name is empty, or kDefaultSignature and the
// model has none of that name. Null where there is none.
runtime::Endpoint* findEndpoint(const ServedModel& model, const std::string& signature);

}  // namespace aios::server::api
