// What TensorFlow Serving classifies and regresses, whatever form a request came in: tf.Examples,
// whose features are a model's inputs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "aios/signature.hpp"
#include "server/api/workspace.hpp"

namespace aios::server::api::examples {

// Adds a feature to a tf.Example in protobuf's bytes, which begins empty. Of two features of one
// name, the later one counts.
void appendFeature(std::string_view name, Span<const float> values, std::string& example);
void appendFeature(std::string_view name, Span<const int64_t> values, std::string& example);
void appendFeature(std::string_view name, Span<const std::string_view> values,
                   std::string& example);

// What a request is about: tf.Examples in protobuf's bytes. Borrows them.
struct ExampleList {
  std::vector<std::string_view> examples;
  std::string_view context;  // features of every example that doesn't have them itself
};

// Fills the workspace with a signature's inputs, each from the feature of its name; a signature
// whose only input is `inputs`, a string an example, gets the tf.Examples as they are, as models
// that parse them expect it. Features that are no input are ignored. Throws InvalidArgument for one
// that is missing, or of other values than its input takes.
void bindExamples(const ExampleList& list, const Signature& signature, Workspace& workspace);

}  // namespace aios::server::api::examples
