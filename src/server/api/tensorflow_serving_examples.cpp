#include "server/api/tensorflow_serving_examples.hpp"

#include <deque>

#include "server/wire/base64.hpp"
#include "server/wire/json_tensor.hpp"

namespace aios::server::api::tensorflow_serving {
namespace {

using wire::JsonReader;

[[noreturn]] void refuse(const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument, message);
}

// The values of one feature, which all have to be of one kind.
class FeatureReader {
 public:
  FeatureReader(JsonReader& reader, std::string_view name) : reader_(reader), name_(name) {}

  void appendTo(std::string& example) {
    if (reader_.peek() == '[') {
      reader_.array([&] { readValue(); });
    } else {
      readValue();
    }
    // One without values is as good as none.
    if (!floats_.empty()) examples::appendFeature(name_, floats_, example);
    if (!integers_.empty()) examples::appendFeature(name_, integers_, example);
    if (texts_.empty()) return;
    const std::vector<std::string_view> texts(texts_.begin(), texts_.end());
    examples::appendFeature(name_, texts, example);
  }

 private:
  void readValue() {
    switch (reader_.peek()) {
      case '"':
        return add(texts_, readText());
      case '{':
        return add(texts_, readBase64());
      case 't':
      case 'f':
        return add(integers_, int64_t{reader_.boolean() ? 1 : 0});
      case '[':
        return refuseType("Array");
      case 'n':
        return refuseType("Null");
      default:
        return readNumber();
    }
  }

  void readNumber() {
    const std::string_view text = reader_.skip();
    JsonReader number(text);
    // Also of NaN and Infinity.
    const bool is_float = text.find_first_of(".eENI") != std::string_view::npos;
    is_float ? add(floats_, number.number<float>()) : add(integers_, number.number<int64_t>());
  }

  std::string readText() {
    std::string storage;
    return std::string(reader_.string(storage));
  }

  std::string readBase64() {
    std::string bytes;
    bool found = false;
    reader_.object([&](std::string_view key) {
      if (key != "b64" || found) refuseType("Object");
      found = true;
      if (!wire::decodeBase64(readText(), bytes)) refuse("Unable to base64 decode");
    });
    if (!found) refuseType("Object");
    return bytes;
  }

  template <typename Values, typename Value>
  void add(Values& values, Value value) {
    const std::size_t others = floats_.size() + integers_.size() + texts_.size() - values.size();
    if (others != 0) {
      refuse("Unexpected element type in feature: " + std::string(name_) + " expecting type: " +
             (!floats_.empty()     ? "float"
              : !integers_.empty() ? "int64"
                                   : "bytes"));
    }
    values.push_back(std::move(value));
  }

  [[noreturn]] void refuseType(const char* type) const {
    refuse("Feature: " + std::string(name_) + " has element with unexpected JSON type: " + type);
  }

  JsonReader& reader_;
  const std::string_view name_;
  std::vector<float> floats_;
  std::vector<int64_t> integers_;
  std::deque<std::string> texts_;
};

std::string readExample(JsonReader& reader) {
  if (reader.peek() != '{') refuse("Example must be JSON object: {\"feature\": value}");
  std::string example;
  reader.object([&](std::string_view name) { FeatureReader(reader, name).appendTo(example); });
  return example;
}

void readList(JsonReader& reader, std::vector<std::string>& list) {
  if (reader.peek() != '[') refuse("Expecting 'examples' value to be an list/array");
  reader.array([&] { list.push_back(readExample(reader)); });
  if (list.empty()) refuse("'examples' value is an empty array");
}

}  // namespace

examples::ExampleList ExampleRequest::list() const {
  return {{examples.begin(), examples.end()}, context};
}

ExampleRequest readExamples(std::string_view body) {
  ExampleRequest request;
  JsonReader reader(body);
  reader.object([&](std::string_view key) {
    std::string storage;
    if (key == "examples") {
      if (!request.examples.empty()) refuse("key 'examples' came twice");
      readList(reader, request.examples);
    } else if (key == "context") {
      request.context = readExample(reader);
    } else if (key == "signature_name") {
      request.signature = reader.string(storage);
    } else {
      reader.skip();
    }
  });
  reader.end();
  if (request.examples.empty()) refuse("key 'examples' is expected and was not found");
  return request;
}

void appendResults(const examples::Classification& classification, std::string& json) {
  json += "{\n    \"results\": [";
  for (std::size_t i = 0; i < classification.exampleCount(); ++i) {
    json += i == 0 ? "[" : ", [";
    for (std::size_t j = 0; j < classification.classCount(); ++j) {
      const examples::Class each = classification.at(i, j);
      json += j == 0 ? "[" : ", [";
      wire::appendJsonString(each.label, json);
      json += ", ";
      wire::appendFloat(each.score, json);
      json.push_back(']');
    }
    json.push_back(']');
  }
  json += "\n    ]\n}";
}

void appendResults(const examples::Regression& regression, std::string& json) {
  json += "{\n    \"results\": [";
  for (std::size_t i = 0; i < regression.exampleCount(); ++i) {
    if (i != 0) json += ", ";
    wire::appendFloat(regression.at(i), json);
  }
  json += "]\n}";
}

}  // namespace aios::server::api::tensorflow_serving
