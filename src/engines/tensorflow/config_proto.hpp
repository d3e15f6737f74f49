// The options of a TensorFlow session, as its C API takes them: a serialized ConfigProto.
//
// Format: tensorflow/core/protobuf/config.proto in protobuf's wire encoding,
// https://protobuf.dev/programming-guides/encoding/.
#pragma once

#include <string>

namespace aios::engines::tensorflow {

// Calls run in the caller's thread, operators on `threads`, at least 1. The single-threaded
// executor costs less, and refuses some graphs with control flow.
std::string configProto(int threads, bool single_threaded_executor);

}  // namespace aios::engines::tensorflow
