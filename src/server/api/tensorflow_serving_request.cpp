#include "server/api/tensorflow_serving_request.hpp"

#include <algorithm>
#include <vector>

#include "server/wire/json_tensor.hpp"

namespace aios::server::api::tensorflow_serving {
namespace {

using wire::JsonReader;

[[noreturn]] void refuse(const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument, message);
}

// Whether an object comes next that names tensors: {"b64": …} is a string.
bool namesTensors(JsonReader reader, const Signature& signature) {
  if (reader.peek() != '{') return false;
  if (signature.inputs.size() != 1 || signature.inputs.front().dtype != DType::kString) {
    return true;
  }
  std::string storage;
  reader.take('{');
  return reader.peek() != '"' || reader.string(storage) != "b64" ||
         signature.inputs.front().name == "b64";
}

std::size_t indexOf(std::string_view name, const Signature& signature) {
  const auto& specs = signature.inputs;
  const auto found = std::find_if(specs.begin(), specs.end(),
                                  [&](const TensorSpec& spec) { return spec.name == name; });
  if (found != specs.end()) return static_cast<std::size_t>(found - specs.begin());
  std::string known;
  for (const TensorSpec& spec : specs) known += (known.empty() ? "'" : ", '") + spec.name + "'";
  refuse("input '" + std::string(name) + "' isn't in the signature '" + signature.name +
         "': expected " + known);
}

void requireOneInput(const Signature& signature) {
  if (signature.inputs.size() == 1) return;
  refuse("signature '" + signature.name + "' has " + std::to_string(signature.inputs.size()) +
         " inputs: expected an object with each by its name");
}

// Samples that are objects with a value for every input.
class RowReader {
 public:
  RowReader(JsonReader& reader, const Signature& signature, Workspace& workspace)
      : reader_(reader),
        signature_(signature),
        workspace_(workspace),
        shapes_(signature.inputs.size()),
        rows_(signature.inputs.size()) {}

  void read() {
    int64_t count = 0;
    reader_.array([&] { readRow(count++); });
    for (std::size_t i = 0; i < shapes_.size(); ++i) {
      const wire::Shape& sample = shapes_[i];
      if (sample.rank == kMaxRank) refuse("expected at most 8 dimensions");
      wire::Shape whole;
      whole.rank = sample.rank + 1;
      whole.dims[0] = count;
      std::copy_n(sample.dims.begin(), sample.rank, whole.dims.begin() + 1);
      workspace_.setShape(i, whole.span());
    }
  }

 private:
  void readRow(int64_t row) {
    reader_.object([&](std::string_view name) {
      const std::size_t index = indexOf(name, signature_);
      if (rows_[index] != row) refuseRow(row, "input '" + std::string(name) + "' came twice");
      const wire::Shape shape = wire::readNested(reader_, workspace_.input(index));
      if (row == 0) shapes_[index] = shape;
      const wire::Shape& first = shapes_[index];
      if (shape.rank != first.rank || shape.dims != first.dims) {
        refuseRow(row, "input '" + std::string(name) + "' has another shape than before");
      }
      ++rows_[index];
    });
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      if (rows_[i] == row) {
        refuseRow(row, "it does not have named input: " + signature_.inputs[i].name);
      }
    }
  }

  [[noreturn]] static void refuseRow(int64_t row, const std::string& what) {
    refuse("Failed to process element: " + std::to_string(row) +
           " of 'instances' list. Error: " + what);
  }

  JsonReader& reader_;
  const Signature& signature_;
  Workspace& workspace_;
  std::vector<wire::Shape> shapes_;  // of a sample
  std::vector<int64_t> rows_;        // read so far
};

void readOnlyInput(JsonReader& reader, const Signature& signature, Workspace& workspace) {
  requireOneInput(signature);
  workspace.setShape(0, wire::readNested(reader, workspace.input(0)).span());
}

void readRows(JsonReader& reader, const Signature& signature, Workspace& workspace) {
  JsonReader ahead = reader;
  if (!ahead.take('[')) ahead.fail("a list of instances");
  if (ahead.peek() == ']') refuse("JSON Value: [] is empty: 'instances' has no sample");
  if (namesTensors(ahead, signature)) {
    RowReader(reader, signature, workspace).read();
  } else {
    readOnlyInput(reader, signature, workspace);
  }
}

void readColumns(JsonReader& reader, const Signature& signature, Workspace& workspace) {
  if (!namesTensors(reader, signature)) return readOnlyInput(reader, signature, workspace);
  reader.object([&](std::string_view name) {
    const std::size_t index = indexOf(name, signature);
    if (workspace.hasInput(index)) refuse("input '" + std::string(name) + "' came twice");
    workspace.setShape(index, wire::readNested(reader, workspace.input(index)).span());
  });
  for (std::size_t i = 0; i < signature.inputs.size(); ++i) {
    if (workspace.hasInput(i)) continue;
    refuse("Missing named input: " + signature.inputs[i].name + " in 'inputs' object.");
  }
}

}  // namespace

std::string signatureNameOf(std::string_view body) {
  if (body.find("\"signature_name\"") == std::string_view::npos) return "";
  std::string name, storage;
  JsonReader reader(body);
  reader.object([&](std::string_view key) {
    if (key == "signature_name") {
      name = reader.string(storage);
    } else {
      reader.skip();
    }
  });
  return name;
}

bool readInputs(std::string_view body, const Signature& signature, Workspace& workspace) {
  workspace.start(signature);
  JsonReader reader(body);
  bool has_rows = false, has_columns = false;
  reader.object([&](std::string_view key) {
    const bool rows = key == "instances";
    if (!rows && key != "inputs") {
      reader.skip();
      return;
    }
    if (has_rows || has_columns) {
      refuse("Not formatted correctly: expected either 'instances' or 'inputs', once");
    }
    (rows ? has_rows : has_columns) = true;
    (rows ? readRows : readColumns)(reader, signature, workspace);
  });
  reader.end();
  if (!has_rows && !has_columns) refuse("Missing 'inputs' or 'instances' key");
  return has_rows;
}

}  // namespace aios::server::api::tensorflow_serving
