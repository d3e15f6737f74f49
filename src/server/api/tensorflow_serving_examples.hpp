// The JSON of TensorFlow Serving's classification and regression.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/api/example_results.hpp"
#include "server/api/examples.hpp"

namespace aios::server::api::tensorflow_serving {

// What is to be classified or regressed: tf.Examples in protobuf's bytes.
struct ExampleRequest {
  // Borrows the request.
  examples::ExampleList list() const;

  std::string signature;  // empty if it names none
  std::vector<std::string> examples;
  std::string context;  // empty if there is none
};

// Reads {"examples": [{"feature": value or [values]}], "context": {…}, "signature_name": …}. A
// number with a point or an exponent is a float, another one an integer, as are true and false; a
// string or
// {"b64": …} is bytes. Throws JsonError for what isn't JSON, and InvalidArgument for other JSON.
ExampleRequest readExamples(std::string_view body);

// {"results": [[["label", score], …], …]} and {"results": [value, …]}.
void appendResults(const examples::Classification& classification, std::string& json);
void appendResults(const examples::Regression& regression, std::string& json);

}  // namespace aios::server::api::tensorflow_serving
