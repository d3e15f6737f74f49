// Reads the signatures out of a serialized MetaGraphDef, with no protobuf library.
//
// Format: tensorflow/core/protobuf/meta_graph.proto (signature_def is field 5 of MetaGraphDef) in
// protobuf's wire encoding, https://protobuf.dev/programming-guides/encoding/.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "bundle/manifest.hpp"

namespace aios::engines::tensorflow {

struct SignatureDef {
  Signature signature;
  bundle::Graph graph;  // only its signature, inputs and outputs are set
};

// Signatures sorted by name, "serving_default" first; those with a tensor that has no DType or no
// dense shape are left out. Throws DataLoss if the bytes aren't well-formed.
std::vector<SignatureDef> readSignatures(std::string_view meta_graph);

}  // namespace aios::engines::tensorflow
