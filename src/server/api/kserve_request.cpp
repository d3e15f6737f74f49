#include "server/api/kserve_request.hpp"

#include <algorithm>
#include <utility>

#include "server/api/kserve_datatype.hpp"
#include "server/wire/json_tensor.hpp"

namespace aios::server::api::kserve {
namespace {

using wire::JsonReader;

[[noreturn]] void refuse(const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument, message);
}

std::string listed(Span<const int64_t> shape) {
  std::string text = "[";
  for (const int64_t size : shape) text += (text.size() > 1 ? "," : "") + std::to_string(size);
  return text + "]";
}

// One entry of "inputs", as far as it was read.
struct Input {
  std::string name;
  std::string datatype;
  wire::Shape shape;
  bool has_shape = false;
  std::optional<std::size_t> binary_size;
  std::string_view data;  // its text; empty if there is none
};

class RequestReader {
 public:
  RequestReader(const ServedModel& model, const Signature& signature, const Call& call,
                Workspace& workspace)
      : model_(model), signature_(signature), workspace_(workspace) {
    is_raw_ = call.inference_header_length == std::size_t{0};
    const std::size_t json = call.inference_header_length.value_or(call.body.size());
    if (json > call.body.size()) {
      refuse("Inference-Header-Content-Length is " + std::to_string(json) + ", the body has " +
             std::to_string(call.body.size()) + " bytes");
    }
    json_ = call.body.substr(0, json);
    binary_ = call.body.substr(json);
  }

  InferRequest read() {
    workspace_.start(signature_);
    if (is_raw_) {
      readRaw();
      return std::move(request_);
    }
    JsonReader reader(json_);
    bool has_inputs = false;
    reader.object([&](std::string_view key) {
      if (key == "inputs") {
        has_inputs = true;
        reader.array([&] { readInput(reader); });
      } else {
        readMember(reader, key);
      }
    });
    reader.end();
    if (!has_inputs) refuse("Unable to parse 'inputs': attempt to access non-existing object");
    finish();
    return std::move(request_);
  }

 private:
  void readMember(JsonReader& reader, std::string_view key) {
    std::string storage;
    if (key == "id") {
      request_.id = reader.string(storage);
    } else if (key == "parameters") {
      reader.object([&](std::string_view parameter) {
        if (parameter == "binary_data_output") {
          request_.binary_outputs = reader.boolean();
        } else {
          reader.skip();
        }
      });
    } else if (key == "outputs") {
      reader.array([&] { readOutput(reader); });
    } else {
      reader.skip();
    }
  }

  void readOutput(JsonReader& reader) {
    RequestedOutput output;
    std::string name, storage;
    reader.object([&](std::string_view key) {
      if (key == "name") {
        name = reader.string(storage);
      } else if (key == "parameters") {
        reader.object([&](std::string_view parameter) {
          if (parameter == "binary_data") {
            output.binary = reader.boolean();
          } else {
            refuseExtension(parameter);
            reader.skip();
          }
        });
      } else {
        reader.skip();
      }
    });
    const auto found = std::find_if(signature_.outputs.begin(), signature_.outputs.end(),
                                    [&](const TensorSpec& spec) { return spec.name == name; });
    if (found == signature_.outputs.end()) {
      refuse("unexpected inference output '" + name + "' for model '" + model_.name() + "'");
    }
    output.index = static_cast<std::size_t>(found - signature_.outputs.begin());
    for (const RequestedOutput& other : request_.outputs) {
      if (other.index == output.index) refuse("output '" + name + "' already requested");
    }
    request_.outputs.push_back(output);
  }

  static void refuseExtension(std::string_view parameter) {
    if (parameter != "classification" && parameter.substr(0, 14) != "shared_memory_") return;
    throw Error(ErrorCode::kUnsupported,
                "parameter '" + std::string(parameter) + "' isn't supported by this server");
  }

  void readInput(JsonReader& reader) {
    Input input;
    std::string storage;
    reader.object([&](std::string_view key) {
      if (key == "name") {
        input.name = reader.string(storage);
      } else if (key == "datatype") {
        input.datatype = reader.string(storage);
      } else if (key == "shape") {
        readShape(reader, input);
      } else if (key == "parameters") {
        readParameters(reader, input);
      } else if (key != "data" || !readData(reader, input)) {
        const std::string_view text = reader.skip();
        if (key == "data") input.data = text;
      }
    });
    enter(input);
  }

  static void readShape(JsonReader& reader, Input& input) {
    input.has_shape = true;
    input.shape.rank = 0;
    reader.array([&] {
      if (input.shape.rank == kMaxRank) reader.fail("at most 8 dimensions");
      const auto size = reader.number<int64_t>();
      if (size < 0) reader.fail("sizes of 0 or more");
      input.shape.dims[input.shape.rank++] = size;
    });
  }

  static void readParameters(JsonReader& reader, Input& input) {
    reader.object([&](std::string_view parameter) {
      if (parameter == "binary_data_size") {
        input.binary_size = reader.number<std::size_t>();
      } else {
        refuseExtension(parameter);
        reader.skip();
      }
    });
  }

  // Reads the data at once where all is known that is needed for it, as clients write it.
  bool readData(JsonReader& reader, Input& input) {
    if (input.name.empty() || input.datatype.empty() || !input.has_shape) return false;
    readElements(reader, check(input));
    return true;
  }

  void readElements(JsonReader& reader, std::size_t index) {
    const DType dtype = signature_.inputs[index].dtype;
    if (dtype == DType::kFloat16 || dtype == DType::kBFloat16) {
      const std::string datatype = datatypeOf(dtype);
      refuse("receiving " + datatype +
             " data via JSON is not supported. Please use the binary data format for input '" +
             signature_.inputs[index].name + "'");
    }
    wire::readNested(reader, workspace_.input(index));
    data_read_ = true;
  }

  // Which input it is, if it fits the signature.
  std::size_t check(const Input& input) const {
    const auto& specs = signature_.inputs;
    const auto found = std::find_if(specs.begin(), specs.end(), [&](const TensorSpec& spec) {
      return spec.name == input.name;
    });
    if (found == specs.end()) {
      refuse("unexpected inference input '" + input.name + "' for model '" + model_.name() + "'");
    }
    const auto index = static_cast<std::size_t>(found - specs.begin());
    if (workspace_.hasInput(index)) {
      refuse("input '" + input.name + "' already exists in request");
    }
    if (input.datatype != datatypeOf(found->dtype)) {
      refuse("inference input '" + input.name + "' data-type is '" + input.datatype +
             "', but model '" + model_.name() + "' expects '" + datatypeOf(found->dtype) + "'");
    }
    if (!input.has_shape || !fits(found->shape, input.shape)) {
      refuse("unexpected shape for input '" + input.name + "' for model '" + model_.name() +
             "'. Expected " + listed(found->shape) + ", got " + listed(input.shape.span()));
    }
    return index;
  }

  static bool fits(const std::vector<int64_t>& expected, const wire::Shape& shape) {
    return expected.size() == shape.rank &&
           std::equal(
               expected.begin(), expected.end(), shape.dims.begin(),
               [](int64_t wanted, int64_t size) { return wanted == kAnySize || wanted == size; });
  }

  void enter(const Input& input) {
    const std::size_t index = check(input);
    wire::TensorBuffer& tensor = workspace_.input(index);
    const bool read = std::exchange(data_read_, false);
    if (input.binary_size.has_value()) {
      if (read || !input.data.empty()) refuse("input '" + input.name + "' has two kinds of data");
      readBinary(takeBinary(input.name, *input.binary_size), input.name, tensor);
    } else if (!read) {
      if (input.data.empty()) {
        refuse("Unable to parse 'data': attempt to access non-existing object");
      }
      JsonReader reader(input.data);
      readElements(reader, index);
      data_read_ = false;
    }
    give(index, input.name, input.shape.span());
  }

  std::string_view takeBinary(const std::string& name, std::size_t size) {
    if (size > binary_.size()) {
      refuse("unexpected size for input '" + name + "', expecting " +
             std::to_string(size - binary_.size()) + " additional bytes for model '" +
             model_.name() + "'");
    }
    const std::string_view bytes = binary_.substr(0, size);
    binary_.remove_prefix(size);
    return bytes;
  }

  void give(std::size_t index, const std::string& name, Span<const int64_t> shape) {
    const wire::TensorBuffer& tensor = workspace_.input(index);
    const TensorView expected(static_cast<const void*>(tensor.data()), tensor.dtype(), shape);
    if (expected.elements() != tensor.elements()) {
      refuse("unexpected total byte size for input '" + name + "': expected " +
             std::to_string(expected.elements()) + " elements for " + listed(shape) + ", got " +
             std::to_string(tensor.elements()));
    }
    workspace_.setShape(index, shape);
  }

  // A body that is the only input's elements: a batch of as many samples as they are.
  void readRaw() {
    if (signature_.inputs.size() != 1) {
      refuse("raw input requires a model with one input, '" + model_.name() + "' has " +
             std::to_string(signature_.inputs.size()));
    }
    const TensorSpec& spec = signature_.inputs.front();
    wire::TensorBuffer& tensor = workspace_.input(0);
    readBinary(binary_, spec.name, tensor);
    wire::Shape shape;
    shape.rank = spec.shape.size();
    int64_t known = 1;
    std::size_t unknown = kMaxRank;
    for (std::size_t axis = 0; axis < shape.rank; ++axis) {
      shape.dims[axis] = spec.shape[axis];
      if (shape.dims[axis] != kAnySize) {
        known *= shape.dims[axis];
      } else if (unknown == kMaxRank) {
        unknown = axis;
      } else {
        refuse("raw input requires a model whose shape has one size that may be any");
      }
    }
    if (unknown != kMaxRank) {
      shape.dims[unknown] = known == 0 ? 0 : static_cast<int64_t>(tensor.elements()) / known;
    }
    give(0, spec.name, shape.span());
    request_.binary_outputs = true;
  }

  void finish() const {
    if (!binary_.empty()) {
      refuse("unexpected additional input data for model '" + model_.name() + "'");
    }
    for (std::size_t i = 0; i < signature_.inputs.size(); ++i) {
      if (workspace_.hasInput(i)) continue;
      refuse("expected " + std::to_string(signature_.inputs.size()) + " inputs, input '" +
             signature_.inputs[i].name + "' is missing for model '" + model_.name() + "'");
    }
  }

  const ServedModel& model_;
  const Signature& signature_;
  Workspace& workspace_;
  bool is_raw_ = false;  // the client says that there is no JSON
  std::string_view json_;
  std::string_view binary_;  // what is left of it
  InferRequest request_;
  bool data_read_ = false;  // of the input that is being read
};

}  // namespace

InferRequest readRequest(const ServedModel& model, const Signature& signature, const Call& call,
                         Workspace& workspace) {
  return RequestReader(model, signature, call, workspace).read();
}

}  // namespace aios::server::api::kserve
