// The options of a TensorFlow session, as its C API takes them: a serialized ConfigProto.
//
// Format: tensorflow/core/protobuf/config.proto in protobuf's wire encoding,
// https://protobuf.dev/programming-guides/encoding/.
#pragma once

#include <string>

namespace aios::engines::tensorflow {

struct SessionConfig {
  int threads = 1;  // that operators run on; calls run in the caller's
  // Costs less a call, and refuses some graphs with control flow.
  bool single_threaded_executor = true;
  // Fuses operators at the first call, for which it copies the graph with its weights several
  // times: 7.9 GB of memory for VGG16's 0.55, 4.0 without.
  bool rewrites_graph = true;
};

std::string configProto(const SessionConfig& config);

}  // namespace aios::engines::tensorflow
