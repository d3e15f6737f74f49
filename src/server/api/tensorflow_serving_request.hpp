// The JSON of a prediction in TensorFlow Serving's formats.
#pragma once

#include <string>
#include <string_view>

#include "server/api/workspace.hpp"

namespace aios::server::api::tensorflow_serving {

// The signature that a request names; empty if it names none.
std::string signatureNameOf(std::string_view body);

// Fills the workspace with a request's inputs: "instances", a list of samples (rows), or "inputs",
// whole tensors (columns). Returns whether they came as rows, as the answer has to go.
bool readInputs(std::string_view body, const Signature& signature, Workspace& workspace);

}  // namespace aios::server::api::tensorflow_serving
