#include "server/api/kserve.hpp"

#include <string>
#include <utility>

#include "server/api/kserve_datatype.hpp"
#include "server/api/kserve_request.hpp"
#include "server/wire/json_tensor.hpp"

namespace aios::server::api::kserve {
namespace {

using wire::appendInteger;
using wire::appendJsonString;

constexpr std::size_t kUsualBytes = 512;

// Every output where none was asked for by name.
std::vector<RequestedOutput> outputsOf(const InferRequest& request, const Signature& signature) {
  std::vector<RequestedOutput> outputs = request.outputs;
  for (std::size_t i = 0; request.outputs.empty() && i < signature.outputs.size(); ++i) {
    outputs.push_back({i, std::nullopt, nullptr, 0, 0});
  }
  return outputs;
}

void appendShape(const TensorView& tensor, std::string& json) {
  json += ",\"shape\":[";
  for (std::size_t axis = 0; axis < tensor.rank(); ++axis) {
    if (axis != 0) json.push_back(',');
    appendInteger(tensor.dim(axis), json);
  }
  json.push_back(']');
}

void appendData(const TensorView& tensor, const std::string& name, bool binary, std::string& json) {
  if (binary) {
    json += ",\"parameters\":{\"binary_data_size\":";
    appendInteger(static_cast<int64_t>(binarySize(tensor)), json);
    json.push_back('}');
    return;
  }
  if (tensor.dtype() == DType::kFloat16 || tensor.dtype() == DType::kBFloat16) {
    throw Error(ErrorCode::kInvalidArgument,
                std::string("sending ") + datatypeOf(tensor.dtype()) +
                    " data via JSON is not supported. Please use the binary data format for "
                    "output '" +
                    name + "'");
  }
  json += ",\"data\":[";
  wire::appendElements(tensor, 0, tensor.elements(), false, json);
  json.push_back(']');
}

// Writes an answer where the client wants it, and says so.
void appendPlace(const TensorView& tensor, const std::string& name, const RequestedOutput& output,
                 std::string& json) {
  const auto bytes = static_cast<uint64_t>(binarySize(tensor));
  if (bytes > output.region_bytes) {
    throw Error(ErrorCode::kInvalidArgument,
                "shared memory size specified with the request for output '" + name + "' (" +
                    std::to_string(output.region_bytes) + " bytes) should be at least " +
                    std::to_string(bytes) + " bytes to hold the results");
  }
  std::string content;
  appendBinary(tensor, content);
  output.region->write(output.region_offset, content);
  json += ",\"parameters\":{\"shared_memory_region\":";
  appendJsonString(output.region->info().name, json);
  json += ",\"shared_memory_offset\":";
  appendInteger(static_cast<int64_t>(output.region_offset), json);
  json += ",\"shared_memory_byte_size\":";
  appendInteger(static_cast<int64_t>(bytes), json);
  json.push_back('}');
}

bool isBinary(const RequestedOutput& output, const InferRequest& request) {
  return output.region == nullptr && output.binary.value_or(request.binary_outputs);
}

void appendHead(const ServedModel& model, const InferRequest& request, std::string& json) {
  json += "{\"model_name\":";
  appendJsonString(model.name(), json);
  json += ",\"model_version\":\"";
  appendInteger(model.version(), json);
  json += "\"";
  if (!request.id.empty()) {
    json += ",\"id\":";
    appendJsonString(request.id, json);
  }
  json += ",\"outputs\":[";
}

protocol::HttpAnswer answerOf(const ServedModel& model, const InferRequest& request,
                              const Signature& signature, Span<const TensorView> tensors) {
  const std::vector<RequestedOutput> outputs = outputsOf(request, signature);
  protocol::HttpAnswer answer;
  answer.body.reserve(kUsualBytes);
  appendHead(model, request, answer.body);
  bool any_binary = false;
  for (const RequestedOutput& output : outputs) {
    const TensorSpec& spec = signature.outputs[output.index];
    const bool binary = isBinary(output, request);
    any_binary = any_binary || binary;
    answer.body += &output == outputs.data() ? "{\"name\":" : ",{\"name\":";
    appendJsonString(spec.name, answer.body);
    answer.body += ",\"datatype\":\"";
    answer.body += datatypeOf(spec.dtype);
    answer.body += "\"";
    appendShape(tensors[output.index], answer.body);
    if (output.region != nullptr) {
      appendPlace(tensors[output.index], spec.name, output, answer.body);
    } else {
      appendData(tensors[output.index], spec.name, binary, answer.body);
    }
    answer.body.push_back('}');
  }
  answer.body += "]}";
  if (!any_binary) return answer;
  answer.content_type = "application/octet-stream";
  answer.headers = "Inference-Header-Content-Length: ";
  appendInteger(static_cast<int64_t>(answer.body.size()), answer.headers);
  answer.headers += "\r\n";
  for (const RequestedOutput& output : outputs) {
    if (isBinary(output, request)) {
      appendBinary(tensors[output.index], answer.body);
    }
  }
  return answer;
}

}  // namespace

protocol::HttpAnswer infer(const ServedModel& model, const Call& call, Workspace& workspace) {
  runtime::Endpoint& endpoint = model.model().endpoint();
  const Signature& signature = endpoint.signature();
  const InferRequest request = readRequest(model, signature, call, workspace);
  return answerOf(model, request, signature, workspace.run(endpoint));
}

Draft read(const ServedModel& model, const Call& call, Workspace& workspace) {
  runtime::Endpoint& endpoint = model.model().endpoint();
  const Signature& signature = endpoint.signature();
  InferRequest request = readRequest(model, signature, call, workspace);
  return {&endpoint, [&model, &signature, request = std::move(request)](auto outputs) {
            return answerOf(model, request, signature, outputs);
          }};
}

}  // namespace aios::server::api::kserve
