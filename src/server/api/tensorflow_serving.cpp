#include "server/api/tensorflow_serving.hpp"

#include <memory>
#include <string>
#include <string_view>

#include "server/api/signatures.hpp"
#include "server/api/tensorflow_serving_examples.hpp"
#include "server/api/tensorflow_serving_request.hpp"
#include "server/wire/json_tensor.hpp"

namespace aios::server::api::tensorflow_serving {
namespace {

// Outputs whose names end so are bytes, not text.
bool isBytes(const std::string& name) {
  constexpr std::string_view kEnding = "_bytes";
  return name.size() >= kEnding.size() &&
         std::string_view(name).substr(name.size() - kEnding.size()) == kEnding;
}

runtime::Endpoint& endpointOf(const ServedModel& model, const std::string& signature) {
  runtime::Endpoint* const endpoint = findEndpoint(model, signature);
  if (endpoint != nullptr) return *endpoint;
  throw Error(ErrorCode::kInvalidArgument,
              "Serving signature name: \"" + signature + "\" not found in signature def");
}

void appendRow(const Signature& signature, Span<const TensorView> outputs, std::size_t row,
               std::string& json) {
  if (outputs.size() == 1) {
    const bool bytes = isBytes(signature.outputs.front().name);
    wire::appendNested(outputs[0], 1, row, bytes, json);
    return;
  }
  json.push_back('{');
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const std::string& name = signature.outputs[i].name;
    if (i != 0) json += ", ";
    wire::appendJsonString(name, json);
    json += ": ";
    wire::appendNested(outputs[i], 1, row, isBytes(name), json);
  }
  json.push_back('}');
}

int64_t rowsOf(const Signature& signature, Span<const TensorView> outputs) {
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const bool fits = outputs[i].rank() > 0 && outputs[i].dim(0) == outputs[0].dim(0);
    if (fits) continue;
    throw Error(ErrorCode::kInvalidArgument,
                "Tensor name: " + signature.outputs[i].name +
                    " has inconsistent batch size; ask in the column format, with 'inputs'");
  }
  return outputs.empty() ? 0 : outputs[0].dim(0);
}

void appendRows(const Signature& signature, Span<const TensorView> outputs, std::string& json) {
  const int64_t rows = rowsOf(signature, outputs);
  json += "{\n    \"predictions\": [";
  for (int64_t row = 0; row < rows; ++row) {
    if (row != 0) json += ", ";
    appendRow(signature, outputs, static_cast<std::size_t>(row), json);
  }
  json += "\n    ]\n}";
}

void appendColumns(const Signature& signature, Span<const TensorView> outputs, std::string& json) {
  json += "{\n    \"outputs\": ";
  if (outputs.size() == 1) {
    wire::appendNested(outputs[0], 0, 0, isBytes(signature.outputs.front().name), json);
    json += "\n}";
    return;
  }
  json.push_back('{');
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const std::string& name = signature.outputs[i].name;
    json += i == 0 ? "\n        " : ",\n        ";
    wire::appendJsonString(name, json);
    json += ": ";
    wire::appendNested(outputs[i], 0, 0, isBytes(name), json);
  }
  json += "\n    }\n}";
}

// To a classification or a regression.
Draft readExampleCall(const ServedModel& model, const Call& call, Workspace& workspace) {
  // Inputs may be in its examples.
  const auto request = std::make_shared<const ExampleRequest>(readExamples(call.body));
  runtime::Endpoint& endpoint = endpointOf(model, request->signature);
  const Signature& signature = endpoint.signature();
  examples::bindExamples(request->list(), signature, workspace);
  const bool regresses = call.route.task == Task::kRegress;
  return {&endpoint, [request, regresses, &model, &signature](Span<const TensorView> outputs) {
            const std::size_t count = request->examples.size();
            protocol::HttpAnswer answer;
            if (regresses) {
              appendResults(examples::Regression(signature, outputs, count), answer.body);
            } else {
              const examples::Classification classes(signature, outputs, count,
                                                     model.classLabels());
              appendResults(classes, answer.body);
            }
            return answer;
          }};
}

protocol::HttpAnswer answerOf(const Signature& signature, bool as_rows,
                              Span<const TensorView> outputs) {
  protocol::HttpAnswer answer;
  (as_rows ? appendRows : appendColumns)(signature, outputs, answer.body);
  return answer;
}

}  // namespace

protocol::HttpAnswer predict(const ServedModel& model, const Call& call, Workspace& workspace) {
  if (call.route.task != Task::kPredict) {
    const Draft draft = readExampleCall(model, call, workspace);
    return std::get<protocol::HttpAnswer>(draft.write(workspace.run(*draft.endpoint)));
  }
  runtime::Endpoint& endpoint = endpointOf(model, signatureNameOf(call.body));
  const bool as_rows = readInputs(call.body, endpoint.signature(), workspace);
  return answerOf(endpoint.signature(), as_rows, workspace.run(endpoint));
}

Draft read(const ServedModel& model, const Call& call, Workspace& workspace) {
  if (call.route.task != Task::kPredict) return readExampleCall(model, call, workspace);
  runtime::Endpoint& endpoint = endpointOf(model, signatureNameOf(call.body));
  const bool as_rows = readInputs(call.body, endpoint.signature(), workspace);
  return {&endpoint, [&signature = endpoint.signature(), as_rows](auto outputs) {
            return answerOf(signature, as_rows, outputs);
          }};
}

}  // namespace aios::server::api::tensorflow_serving
