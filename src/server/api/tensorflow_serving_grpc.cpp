#include "server/api/tensorflow_serving_grpc.hpp"

#include <algorithm>
#include <vector>

#include "server/api/model_spec.hpp"
#include "server/api/signatures.hpp"
#include "server/api/tensor_proto.hpp"
#include "server/wire/protobuf.hpp"

namespace aios::server::api::tensorflow_serving_grpc {
namespace {

using wire::bytesTag;
using wire::MergedMessage;
using wire::ProtobufReader;

// The numbers of fields in proto/tensorflow_serving.proto.
constexpr uint32_t kModelSpec = 1, kInputs = 2, kOutputFilter = 3;
constexpr uint32_t kOutputs = 1, kResponseModelSpec = 2;
constexpr uint32_t kMapKey = 1, kMapValue = 2;

[[noreturn]] void refuse(const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument, message);
}

// The index of the spec of this name; the number of specs where there is none.
std::size_t indexOf(std::string_view name, const std::vector<TensorSpec>& specs) {
  const auto found = std::find_if(specs.begin(), specs.end(),
                                  [&](const TensorSpec& spec) { return spec.name == name; });
  return static_cast<std::size_t>(found - specs.begin());
}

std::string namesOf(const std::vector<TensorSpec>& specs) {
  std::string names;
  for (const TensorSpec& spec : specs) names += (names.empty() ? "" : ",") + spec.name;
  return names;
}

// Names in a request's order, by which it is told what is wrong with it.
std::string joined(const std::vector<std::string_view>& names) {
  std::string text;
  for (const std::string_view name : names) {
    if (!text.empty()) text += ",";
    text += name;
  }
  return text;
}

class PredictReader {
 public:
  explicit PredictReader(std::string_view message)
      : message_(message), spec_message_(message, kModelSpec) {
    signature_ = readModelSpec(spec_message_.bytes()).signature;
  }

  void bind(const Signature& signature, Workspace& workspace) {
    workspace.start(signature);
    std::vector<MergedMessage> tensors(signature.inputs.size());
    std::vector<std::string_view> extra;
    ProtobufReader reader(message_);
    while (reader.next()) {
      if (reader.tag() == bytesTag(kInputs)) readEntry(reader.bytes(), signature, tensors, extra);
      if (reader.tag() == bytesTag(kOutputFilter)) readFilter(reader.bytes(), signature);
    }
    requireAll(signature, tensors, extra);
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      bindTensorProto(tensors[i].bytes(), tensors[i].isJoined(), signature, i, workspace);
    }
  }

  std::string_view signature() const noexcept { return signature_; }
  const std::vector<std::size_t>& outputs() const noexcept { return outputs_; }

 private:
  // Of two entries of one key, a map has the later one.
  static void readEntry(std::string_view entry, const Signature& signature,
                        std::vector<MergedMessage>& tensors, std::vector<std::string_view>& extra) {
    std::string_view name;
    ProtobufReader keys(entry);
    while (keys.next()) {
      if (keys.tag() == bytesTag(kMapKey)) name = keys.bytes();
    }
    const std::size_t index = indexOf(name, signature.inputs);
    if (index == tensors.size()) return extra.push_back(name);
    tensors[index].clear();
    tensors[index].add({});
    ProtobufReader values(entry);
    while (values.next()) {
      if (values.tag() == bytesTag(kMapValue)) tensors[index].add(values.bytes());
    }
  }

  void readFilter(std::string_view name, const Signature& signature) {
    const std::size_t index = indexOf(name, signature.outputs);
    if (index == signature.outputs.size()) {
      refuse("output tensor alias not found in signature: " + std::string(name) +
             " Outputs expected to be in the set {" + namesOf(signature.outputs) + "}.");
    }
    if (std::find(outputs_.begin(), outputs_.end(), index) != outputs_.end()) {
      refuse("duplicate output tensor alias: " + std::string(name));
    }
    outputs_.push_back(index);
  }

  static void requireAll(const Signature& signature, const std::vector<MergedMessage>& tensors,
                         const std::vector<std::string_view>& extra) {
    std::vector<std::string_view> sent, missing;
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      (tensors[i].isThere() ? sent : missing).push_back(signature.inputs[i].name);
    }
    if (missing.empty() && extra.empty()) return;
    sent.insert(sent.end(), extra.begin(), extra.end());
    refuse("input size does not match signature: " + std::to_string(sent.size()) +
           "!=" + std::to_string(tensors.size()) + " len({" + joined(sent) + "}) != len({" +
           namesOf(signature.inputs) + "}). Sent extra: {" + joined(extra) +
           "}. Missing but required: {" + joined(missing) + "}.");
  }

  std::string_view message_;
  MergedMessage spec_message_;
  std::string_view signature_;        // that is asked for; empty if none is
  std::vector<std::size_t> outputs_;  // in the signature; empty: all of them
};

runtime::Endpoint& endpointOf(const ServedModel& model, std::string_view signature) {
  runtime::Endpoint* const endpoint = findEndpoint(model, std::string(signature));
  if (endpoint != nullptr) return *endpoint;
  throw Error(ErrorCode::kFailedPrecondition,
              "Serving signature key \"" + std::string(signature) + "\" not found.");
}

void appendOutput(const std::string& name, const TensorView& tensor, std::string& out) {
  wire::NestedMessage entry(kOutputs, out);
  wire::appendBytesField(kMapKey, name, out);
  appendTensorProto(kMapValue, tensor, out);
  entry.end();
}

void appendResponse(const ServedModel& model, const Signature& signature,
                    std::string_view asked_signature, const std::vector<std::size_t>& asked,
                    Span<const TensorView> tensors, std::string& out) {
  for (std::size_t i = 0; asked.empty() && i < tensors.size(); ++i) {
    appendOutput(signature.outputs[i].name, tensors[i], out);
  }
  for (const std::size_t i : asked) appendOutput(signature.outputs[i].name, tensors[i], out);
  appendModelSpec(kResponseModelSpec, model,
                  asked_signature.empty() ? signature.name : asked_signature, out);
}

}  // namespace

void predict(const ServedModel& model, std::string_view message, Workspace& workspace,
             std::string& out) {
  PredictReader request(message);
  runtime::Endpoint& endpoint = endpointOf(model, request.signature());
  const Signature& signature = endpoint.signature();
  request.bind(signature, workspace);
  appendResponse(model, signature, request.signature(), request.outputs(), workspace.run(endpoint),
                 out);
}

MessageDraft readPredict(const ServedModel& model, std::string_view message, Workspace& workspace) {
  PredictReader request(message);
  runtime::Endpoint& endpoint = endpointOf(model, request.signature());
  const Signature& signature = endpoint.signature();
  request.bind(signature, workspace);
  // The name is kept, as a message that came in parts is gone with its reader.
  return {&endpoint,
          [&model, &signature, asked = std::string(request.signature()),
           outputs = request.outputs()](Span<const TensorView> tensors, std::string& out) {
            appendResponse(model, signature, asked, outputs, tensors, out);
          }};
}

}  // namespace aios::server::api::tensorflow_serving_grpc
