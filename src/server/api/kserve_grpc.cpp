#include "server/api/kserve_grpc.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "server/api/kserve_datatype.hpp"
#include "server/api/kserve_tensors.hpp"
#include "server/wire/json_tensor.hpp"
#include "server/wire/protobuf_tensor.hpp"

namespace aios::server::api::kserve_grpc {
namespace {

using kserve::TensorBinder;
using wire::bytesTag;
using wire::MergedMessage;
using wire::ProtobufReader;
using wire::ValueField;
using wire::ValueType;
using wire::varintTag;

// The numbers of fields in proto/inference.proto.
constexpr uint32_t kRequestId = 3, kRequestInputs = 5, kRequestOutputs = 6, kRequestRaw = 7;
constexpr uint32_t kTensorName = 1, kTensorDatatype = 2, kTensorShape = 3, kTensorParameters = 4,
                   kTensorContents = 5;
constexpr uint32_t kOutputName = 1, kOutputParameters = 2;
constexpr uint32_t kResponseModel = 1, kResponseVersion = 2, kResponseId = 3,
                   kResponseParameters = 4, kResponseOutputs = 5, kResponseRaw = 6;
constexpr uint32_t kMapKey = 1, kMapValue = 2;
constexpr uint32_t kBoolParameter = 1;
constexpr uint32_t kStreamError = 1, kStreamResponse = 2;

// Of InferTensorContents, in the order of DType; none has two bytes a float.
constexpr std::array<ValueField, 15> kContents = {{{},
                                                   {1, ValueType::kBool},
                                                   {2, ValueType::kInt32},
                                                   {4, ValueType::kUInt32},
                                                   {2, ValueType::kInt32},
                                                   {4, ValueType::kUInt32},
                                                   {2, ValueType::kInt32},
                                                   {4, ValueType::kUInt32},
                                                   {3, ValueType::kInt64},
                                                   {5, ValueType::kUInt64},
                                                   {},
                                                   {6, ValueType::kFloat},
                                                   {7, ValueType::kDouble},
                                                   {8, ValueType::kBytes},
                                                   {}}};

[[noreturn]] void refuse(const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument, message);
}

// The next field of this tag in a message; false at its end.
bool nextOf(ProtobufReader& reader, uint32_t tag) {
  while (reader.next()) {
    if (reader.tag() == tag) return true;
  }
  return false;
}

// An entry of `parameters`, which tells what is known of it by its key.
void checkParameter(std::string_view entry) {
  ProtobufReader reader(entry);
  while (nextOf(reader, bytesTag(kMapKey))) kserve::refuseExtension(reader.bytes());
}

// One of the request's inputs, as it describes itself.
struct InputTensor {
  std::string_view name;
  std::string_view datatype;
  wire::Shape shape;
  MergedMessage contents;

  explicit InputTensor(std::string_view message) {
    ProtobufReader reader(message);
    while (reader.next()) {
      switch (reader.tag()) {
        case bytesTag(kTensorName):
          name = reader.bytes();
          break;
        case bytesTag(kTensorDatatype):
          datatype = reader.bytes();
          break;
        case bytesTag(kTensorShape):
        case varintTag(kTensorShape):
          wire::readVarints(reader, [this](uint64_t size) { addSize(size); });
          break;
        case bytesTag(kTensorParameters):
          checkParameter(reader.bytes());
          break;
        case bytesTag(kTensorContents):
          contents.add(reader.bytes());
          break;
        default:
          break;
      }
    }
  }

 private:
  void addSize(uint64_t bits) {
    const auto size = static_cast<int64_t>(bits);
    if (shape.rank == kMaxRank || size < 0) {
      refuse("input '" + std::string(name) +
             "': expected a shape of at most 8 sizes, each 0 or more");
    }
    shape.dims[shape.rank++] = size;
  }
};

// What a request says besides its inputs.
struct Request {
  std::string_view id;
  std::vector<std::size_t> outputs;  // in the signature; empty: all of them
};

class RequestReader {
 public:
  RequestReader(const ServedModel& model, const Signature& signature, std::string_view message,
                Workspace& workspace)
      : model_(model),
        signature_(signature),
        workspace_(workspace),
        binder_(model, signature, workspace),
        message_(message),
        raw_(message) {}

  Request read() {
    workspace_.start(signature_);
    has_raw_ = nextOf(raw_, bytesTag(kRequestRaw));
    is_raw_ = has_raw_;
    ProtobufReader reader(message_);
    while (reader.next()) {
      if (reader.tag() == bytesTag(kRequestId)) {
        request_.id = reader.bytes();
      } else if (reader.tag() == bytesTag(kRequestInputs)) {
        bind(InputTensor(reader.bytes()));
      } else if (reader.tag() == bytesTag(kRequestOutputs)) {
        readOutput(reader.bytes());
      }
    }
    if (has_raw_) {
      refuse("unexpected additional input data for model '" + model_.name() +
             "': there are more raw_input_contents than inputs");
    }
    binder_.requireAll();
    if (!wire::isUtf8(request_.id)) refuse("expected the request's id to be UTF-8");
    return std::move(request_);
  }

 private:
  void bind(const InputTensor& input) {
    const std::size_t index = binder_.inputOf(input.name, input.datatype, input.shape.span());
    if (!is_raw_) return readContents(input, index);
    if (input.contents.isThere()) {
      refuse("contents field must not be specified when using raw_input_contents for '" +
             std::string(input.name) + "' for model '" + model_.name() + "'");
    }
    if (!has_raw_) {
      refuse("expected raw_input_contents for each input, there are none for '" +
             std::string(input.name) + "' for model '" + model_.name() + "'");
    }
    binder_.giveBinary(index, input.shape.span(), raw_.bytes());
    has_raw_ = nextOf(raw_, bytesTag(kRequestRaw));
  }

  void readContents(const InputTensor& input, std::size_t index) {
    const TensorSpec& spec = signature_.inputs[index];
    const ValueField field = kContents[static_cast<std::size_t>(spec.dtype)];
    if (field.type == ValueType::kNone) {
      refuse(std::string("expected raw_input_contents for the ") + kserve::datatypeOf(spec.dtype) +
             " input '" + spec.name + "' of model '" + model_.name() + "'");
    }
    ProtobufReader reader(input.contents.bytes());
    while (reader.next()) {
      if (wire::isField(reader, field)) {
        // What came in parts is gone before the call ends.
        wire::readValues(reader, field, spec.name, input.contents.isJoined(),
                         workspace_.input(index));
      }
    }
    binder_.giveRead(index, input.shape.span());
  }

  void readOutput(std::string_view message) {
    std::string_view name;
    ProtobufReader reader(message);
    while (reader.next()) {
      if (reader.tag() == bytesTag(kOutputName)) name = reader.bytes();
      if (reader.tag() == bytesTag(kOutputParameters)) checkParameter(reader.bytes());
    }
    const std::size_t index = binder_.outputOf(name);
    std::vector<std::size_t>& outputs = request_.outputs;
    if (std::find(outputs.begin(), outputs.end(), index) != outputs.end()) {
      refuse("output '" + std::string(name) + "' already requested");
    }
    outputs.push_back(index);
  }

  const ServedModel& model_;
  const Signature& signature_;
  Workspace& workspace_;
  TensorBinder binder_;
  std::string_view message_;
  Request request_;
  ProtobufReader raw_;    // at the raw tensor of the next input
  bool is_raw_ = false;   // the request has some
  bool has_raw_ = false;  // one is left
};

void appendDescription(const TensorSpec& spec, const TensorView& tensor, std::string& out) {
  const std::string_view datatype = kserve::datatypeOf(spec.dtype);
  std::size_t shape = 0;
  for (const int64_t size : tensor.shape()) shape += wire::varintSize(static_cast<uint64_t>(size));
  const std::size_t shape_field = shape == 0 ? 0 : wire::bytesFieldSize(kTensorShape, shape);
  wire::appendBytesHead(kResponseOutputs,
                        wire::bytesFieldSize(kTensorName, spec.name.size()) +
                            wire::bytesFieldSize(kTensorDatatype, datatype.size()) + shape_field,
                        out);
  wire::appendBytesField(kTensorName, spec.name, out);
  wire::appendBytesField(kTensorDatatype, datatype, out);
  if (shape == 0) return;
  wire::appendBytesHead(kTensorShape, shape, out);
  for (const int64_t size : tensor.shape()) wire::appendVarint(static_cast<uint64_t>(size), out);
}

void appendHead(const ServedModel& model, std::string_view id, std::string& out) {
  std::string version;
  wire::appendInteger(model.version(), version);
  wire::appendBytesField(kResponseModel, model.name(), out);
  wire::appendBytesField(kResponseVersion, version, out);
  if (!id.empty()) wire::appendBytesField(kResponseId, id, out);
}

// Calls `on_output(index)` for each that is asked for, or for all.
template <typename OnOutput>
void forEachOutput(const std::vector<std::size_t>& asked, std::size_t count, OnOutput on_output) {
  if (asked.empty()) {
    for (std::size_t i = 0; i < count; ++i) on_output(i);
  }
  for (const std::size_t index : asked) on_output(index);
}

// The map entry that says that no more answers come to a request.
void appendFinal(std::string& out) {
  constexpr std::string_view kKey = "triton_final_response";
  const std::size_t value = wire::varintFieldSize(kBoolParameter, 1);
  wire::appendBytesHead(
      kResponseParameters,
      wire::bytesFieldSize(kMapKey, kKey.size()) + wire::bytesFieldSize(kMapValue, value), out);
  wire::appendBytesField(kMapKey, kKey, out);
  wire::appendBytesHead(kMapValue, value, out);
  wire::appendVarintField(kBoolParameter, 1, out);
}

void appendResponse(const ServedModel& model, const Signature& signature, const Request& request,
                    Span<const TensorView> tensors, std::string& out) {
  appendHead(model, request.id, out);
  forEachOutput(request.outputs, tensors.size(), [&](std::size_t index) {
    appendDescription(signature.outputs[index], tensors[index], out);
  });
  forEachOutput(request.outputs, tensors.size(), [&](std::size_t index) {
    wire::appendBytesHead(kResponseRaw, kserve::binarySize(tensors[index]), out);
    kserve::appendBinary(tensors[index], out);
  });
}

}  // namespace

void infer(const ServedModel& model, std::string_view message, Workspace& workspace,
           std::string& out) {
  runtime::Endpoint& endpoint = model.model().endpoint();
  const Signature& signature = endpoint.signature();
  const Request request = RequestReader(model, signature, message, workspace).read();
  appendResponse(model, signature, request, workspace.run(endpoint), out);
}

MessageDraft read(const ServedModel& model, std::string_view message, Workspace& workspace) {
  runtime::Endpoint& endpoint = model.model().endpoint();
  const Signature& signature = endpoint.signature();
  return {&endpoint, [&model, &signature,
                      request = RequestReader(model, signature, message, workspace).read()](
                         Span<const TensorView> tensors, std::string& out) {
            appendResponse(model, signature, request, tensors, out);
          }};
}

void appendStreamResponse(std::string_view error, std::string_view response, std::string& out) {
  if (!error.empty()) wire::appendBytesField(kStreamError, error, out);
  if (response.empty()) return;
  std::string final_one;
  appendFinal(final_one);
  wire::appendBytesHead(kStreamResponse, response.size() + final_one.size(), out);
  out += response;
  out += final_one;
}

}  // namespace aios::server::api::kserve_grpc
