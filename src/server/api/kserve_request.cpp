#include "server/api/kserve_request.hpp"

#include <utility>

#include "server/api/kserve_datatype.hpp"
#include "server/api/kserve_tensors.hpp"
#include "server/wire/json_tensor.hpp"

namespace aios::server::api::kserve {
namespace {

using wire::JsonReader;

[[noreturn]] void refuse(const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument, message);
}

// Where in shared memory a tensor is, as a request says it.
struct Place {
  std::string region;  // empty: not there
  uint64_t offset = 0;
  uint64_t bytes = 0;

  // Whether this was one of its parameters.
  bool read(JsonReader& reader, std::string_view parameter) {
    std::string storage;
    if (parameter == "shared_memory_region") {
      region = reader.string(storage);
    } else if (parameter == "shared_memory_offset") {
      offset = reader.number<uint64_t>();
    } else if (parameter == "shared_memory_byte_size") {
      bytes = reader.number<uint64_t>();
    } else {
      return false;
    }
    return true;
  }
};

// One entry of "inputs", as far as it was read.
struct Input {
  std::string name;
  std::string datatype;
  wire::Shape shape;
  bool has_shape = false;
  std::optional<std::size_t> binary_size;
  std::string_view data;  // its text; empty if there is none
  Place place;
};

class RequestReader {
 public:
  RequestReader(const ServedModel& model, const Signature& signature, const Call& call,
                Workspace& workspace)
      : model_(model),
        signature_(signature),
        route_(call.route),
        workspace_(workspace),
        binder_(model, signature, workspace) {
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
    Place place;
    std::string name, storage;
    reader.object([&](std::string_view key) {
      if (key == "name") {
        name = reader.string(storage);
      } else if (key == "parameters") {
        reader.object([&](std::string_view parameter) {
          if (parameter == "binary_data") {
            output.binary = reader.boolean();
          } else if (!place.read(reader, parameter)) {
            refuseExtension(parameter);
            reader.skip();
          }
        });
      } else {
        reader.skip();
      }
    });
    output.index = binder_.outputOf(name);
    if (!place.region.empty()) {
      output.region = regionOf(place);
      output.region_offset = place.offset;
      output.region_bytes = place.bytes;
    }
    for (const RequestedOutput& other : request_.outputs) {
      if (other.index == output.index) refuse("output '" + name + "' already requested");
    }
    request_.outputs.push_back(output);
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
      } else if (!input.place.read(reader, parameter)) {
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

  std::size_t check(const Input& input) {
    // A scalar's shape is [], which isn't none.
    if (!input.has_shape) refuse("Unable to parse 'shape': attempt to access non-existing object");
    return binder_.inputOf(input.name, input.datatype, input.shape.span());
  }

  void enter(const Input& input) {
    const std::size_t index = check(input);
    const bool read = std::exchange(data_read_, false);
    if (!input.place.region.empty()) {
      if (read || !input.data.empty() || input.binary_size.has_value()) {
        refuse("input '" + input.name + "' has two kinds of data");
      }
      binder_.giveBinary(index, input.shape.span(), takeFrom(input.place));
      return;
    }
    if (input.binary_size.has_value()) {
      if (read || !input.data.empty()) refuse("input '" + input.name + "' has two kinds of data");
      binder_.giveBinary(index, input.shape.span(), takeBinary(input.name, *input.binary_size));
      return;
    }
    if (!read) {
      if (input.data.empty()) {
        refuse("Unable to parse 'data': attempt to access non-existing object");
      }
      JsonReader reader(input.data);
      readElements(reader, index);
      data_read_ = false;
    }
    binder_.giveRead(index, input.shape.span());
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

  std::shared_ptr<const Region> regionOf(const Place& place) const {
    if (route_.memory != nullptr) return route_.memory->find(place.region);
    throw Error(ErrorCode::kUnsupported,
                "shared memory is for clients of this machine, or with a token");
  }

  // A copy: the client may write to it at any moment.
  std::string_view takeFrom(const Place& place) {
    if (place.bytes > route_.encodings.most_bytes) {
      refuse("shared_memory_byte_size: expected at most " +
             std::to_string(route_.encodings.most_bytes) + ", got " + std::to_string(place.bytes));
    }
    return workspace_.keep(regionOf(place)->read(place.offset, place.bytes));
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
    binder_.giveRead(0, shape.span());
    request_.binary_outputs = true;
  }

  void finish() const {
    if (!binary_.empty()) {
      refuse("unexpected additional input data for model '" + model_.name() + "'");
    }
    binder_.requireAll();
  }

  const ServedModel& model_;
  const Signature& signature_;
  const Route& route_;
  Workspace& workspace_;
  TensorBinder binder_;
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
