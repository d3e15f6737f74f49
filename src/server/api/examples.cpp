#include "server/api/examples.hpp"

#include <algorithm>

#include "aios/error.hpp"
#include "server/wire/exact.hpp"
#include "server/wire/protobuf.hpp"

namespace aios::server::api::examples {
namespace {

using wire::bytesTag;
using wire::ProtobufReader;
using wire::tagOf;
using wire::WireType;

constexpr uint32_t kFeatures = 1;  // of Example; and of Features, its map
constexpr uint32_t kEntryKey = 1, kEntryValue = 2;
constexpr uint32_t kBytesList = 1, kFloatList = 2, kInt64List = 3;  // of Feature
constexpr uint32_t kValue = 1;                                      // of those lists

// What a small request may ask for, as its context counts once for every example.
constexpr std::size_t kMostContextBytes = std::size_t{64} << 20;

[[noreturn]] void refuse(const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument, message);
}

// The values of one kind, which come in any number of lists.
struct Feature {
  uint32_t kind = 0;
  std::vector<std::string_view> lists;

  // Another part of the message.
  void read(std::string_view part) {
    ProtobufReader reader(part);
    while (reader.next()) {
      const uint32_t field = reader.tag() >> 3;
      if (reader.tag() != bytesTag(field) || field > kInt64List) continue;
      if (field != kind) lists.clear();
      kind = field;
      lists.push_back(reader.bytes());
    }
  }
  void clear() {
    kind = 0;
    lists.clear();
  }
};

// Appends a feature's values to its input. For one input.
class ValueReader {
 public:
  ValueReader(const TensorSpec& spec, wire::TensorBuffer& tensor) : spec_(spec), tensor_(tensor) {}

  void read(const Feature& feature, std::size_t example) {
    example_ = example;
    for (const std::string_view list : feature.lists) {
      if (feature.kind == kFloatList) {
        readFloats(list);
      } else if (feature.kind == kInt64List) {
        readIntegers(list);
      } else {
        readStrings(list);
      }
    }
  }

 private:
  [[noreturn]] void refuseKind(const char* kind) const {
    refuse("example " + std::to_string(example_) + ": feature '" + spec_.name + "' has " + kind +
           ", the input of this name is " + describe(spec_));
  }

  void readStrings(std::string_view list) {
    if (spec_.dtype != DType::kString) refuseKind("strings");
    ProtobufReader reader(list);
    while (reader.next()) {
      if (reader.tag() == bytesTag(kValue)) tensor_.pushString(reader.bytes(), false);
    }
  }

  void readFloats(std::string_view list) {
    const DType dtype = spec_.dtype;
    if (dtype != DType::kFloat32 && dtype != DType::kFloat64) refuseKind("floats");
    ProtobufReader reader(list);
    while (reader.next()) {
      const bool known =
          reader.tag() == bytesTag(kValue) || reader.tag() == tagOf(kValue, WireType::kFixed32);
      if (!known) continue;
      uint64_t storage;
      const std::string_view floats = wire::fixedElements(reader, sizeof(float), storage);
      if (dtype == DType::kFloat32) {
        if (!floats.empty())
          std::memcpy(tensor_.extend(floats.size()), floats.data(), floats.size());
        continue;
      }
      for (std::size_t i = 0; i < floats.size(); i += sizeof(float)) {
        float value;
        std::memcpy(&value, floats.data() + i, sizeof value);
        tensor_.push(static_cast<double>(value));
      }
    }
  }

  void readIntegers(std::string_view list) {
    switch (spec_.dtype) {
      case DType::kBool:
        return readIntegersAs<bool>(list);
      case DType::kInt8:
        return readIntegersAs<int8_t>(list);
      case DType::kUInt8:
        return readIntegersAs<uint8_t>(list);
      case DType::kInt16:
        return readIntegersAs<int16_t>(list);
      case DType::kUInt16:
        return readIntegersAs<uint16_t>(list);
      case DType::kInt32:
        return readIntegersAs<int32_t>(list);
      case DType::kUInt32:
        return readIntegersAs<uint32_t>(list);
      case DType::kInt64:
        return readIntegersAs<int64_t>(list);
      case DType::kUInt64:
        return readIntegersAs<uint64_t>(list);
      case DType::kFloat32:
        return readIntegersAs<float>(list);
      case DType::kFloat64:
        return readIntegersAs<double>(list);
      default:
        refuseKind("integers");
    }
  }

  template <typename To>
  void readIntegersAs(std::string_view list) {
    ProtobufReader reader(list);
    while (reader.next()) {
      if (reader.tag() != bytesTag(kValue) && reader.tag() != wire::varintTag(kValue)) continue;
      wire::readVarints(reader, [&](uint64_t bits) {
        const auto value = static_cast<int64_t>(bits);
        if (!wire::holds<To>(value)) {
          refuse("example " + std::to_string(example_) + ": feature '" + spec_.name + "' is " +
                 std::to_string(value) + ", which isn't a " + name(spec_.dtype));
        }
        tensor_.push(static_cast<To>(value));
      });
    }
  }

  const TensorSpec& spec_;
  wire::TensorBuffer& tensor_;
  std::size_t example_ = 0;
};

class ExampleReader {
 public:
  ExampleReader(const Signature& signature, Workspace& workspace)
      : signature_(signature), workspace_(workspace), features_(signature.inputs.size()) {}

  void read(const ExampleList& list) {
    per_example_.assign(features_.size(), 0);
    for (std::size_t example = 0; example < list.examples.size(); ++example) {
      for (Feature& feature : features_) feature.clear();
      readFeatures(list.context);
      readFeatures(list.examples[example]);
      for (std::size_t i = 0; i < features_.size(); ++i) enter(i, example);
    }
    for (std::size_t i = 0; i < features_.size(); ++i) setShape(i, list.examples.size());
  }

 private:
  void readFeatures(std::string_view example) {
    ProtobufReader reader(example);
    while (reader.next()) {
      if (reader.tag() != bytesTag(kFeatures)) continue;
      ProtobufReader features(reader.bytes());
      while (features.next()) {
        if (features.tag() == bytesTag(kFeatures)) readEntry(features.bytes());
      }
    }
  }

  void readEntry(std::string_view entry) {
    std::string_view key;
    ProtobufReader keys(entry);
    while (keys.next()) {
      if (keys.tag() == bytesTag(kEntryKey)) key = keys.bytes();
    }
    const auto& specs = signature_.inputs;
    const auto found = std::find_if(specs.begin(), specs.end(),
                                    [&](const TensorSpec& spec) { return spec.name == key; });
    if (found == specs.end()) return;
    Feature& feature = features_[static_cast<std::size_t>(found - specs.begin())];
    feature.clear();
    ProtobufReader values(entry);
    while (values.next()) {
      if (values.tag() == bytesTag(kEntryValue)) feature.read(values.bytes());
    }
  }

  void enter(std::size_t index, std::size_t example) {
    const TensorSpec& spec = signature_.inputs[index];
    wire::TensorBuffer& tensor = workspace_.input(index);
    if (features_[index].kind == 0) {
      refuse("example " + std::to_string(example) + ": feature '" + spec.name +
             "' is required but could not be found: its input is " + describe(spec));
    }
    const std::size_t before = tensor.elements();
    ValueReader(spec, tensor).read(features_[index], example);
    const std::size_t count = tensor.elements() - before;
    if (example == 0) per_example_[index] = count;
    if (count == per_example_[index]) return;
    refuse("example " + std::to_string(example) + ": feature '" + spec.name + "' has " +
           std::to_string(count) + " values, those before had " +
           std::to_string(per_example_[index]));
  }

  void setShape(std::size_t index, std::size_t examples) {
    const TensorSpec& spec = signature_.inputs[index];
    if (spec.shape.empty()) {
      refuse("input '" + spec.name + "' has no dimension for examples; call predict instead");
    }
    wire::Shape shape;
    shape.rank = spec.shape.size();
    std::copy(spec.shape.begin(), spec.shape.end(), shape.dims.begin());
    shape.dims[0] = static_cast<int64_t>(examples);
    std::size_t known = 1, unknown = 0;
    for (std::size_t axis = 1; axis < shape.rank; ++axis) {
      if (shape.dims[axis] != kAnySize) {
        known *= static_cast<std::size_t>(shape.dims[axis]);
      } else if (unknown == 0) {
        unknown = axis;
      } else {
        refuse("input '" + spec.name + "' is " + describe(spec) +
               ": more than one size of an example may be any; call predict instead");
      }
    }
    const std::size_t count = per_example_[index];
    if (unknown != 0 && known != 0) shape.dims[unknown] = static_cast<int64_t>(count / known);
    const bool fits = unknown != 0 ? known != 0 && count % known == 0 : count == known;
    if (!fits) {
      refuse("feature '" + spec.name + "' has " + std::to_string(count) +
             " values an example, its input is " + describe(spec));
    }
    workspace_.setShape(index, shape.span());
  }

  const Signature& signature_;
  Workspace& workspace_;
  std::vector<Feature> features_;         // of one example, for each input
  std::vector<std::size_t> per_example_;  // elements
};

// Whether the model parses tf.Examples itself, as TensorFlow Serving expects of those that it
// classifies with.
bool parsesExamples(const Signature& signature) {
  if (signature.inputs.size() != 1) return false;
  const TensorSpec& input = signature.inputs.front();
  return input.name == "inputs" && input.dtype == DType::kString && input.shape.size() == 1;
}

void bindWhole(const ExampleList& list, Workspace& workspace) {
  std::string whole;
  for (const std::string_view example : list.examples) {
    const bool has_context = !list.context.empty();
    if (has_context) whole.assign(list.context).append(example);
    workspace.input(0).pushString(has_context ? whole : example, has_context);
  }
  const auto count = static_cast<int64_t>(list.examples.size());
  workspace.setShape(0, {&count, 1});
}

// One feature is a whole tf.Example, since one in more parts has all of them.
void appendList(std::string_view name, uint32_t kind, std::string_view list, std::string& example) {
  const std::size_t feature = wire::bytesFieldSize(kind, list.size());
  const std::size_t entry =
      wire::bytesFieldSize(kEntryKey, name.size()) + wire::bytesFieldSize(kEntryValue, feature);
  wire::appendBytesHead(kFeatures, wire::bytesFieldSize(kFeatures, entry), example);
  wire::appendBytesHead(kFeatures, entry, example);
  wire::appendBytesField(kEntryKey, name, example);
  wire::appendBytesHead(kEntryValue, feature, example);
  wire::appendBytesField(kind, list, example);
}

}  // namespace

void appendFeature(std::string_view name, Span<const float> values, std::string& example) {
  const std::string_view bytes(reinterpret_cast<const char*>(values.data()),
                               values.size() * sizeof(float));
  std::string list;
  wire::appendBytesField(kValue, bytes, list);
  appendList(name, kFloatList, list, example);
}

void appendFeature(std::string_view name, Span<const int64_t> values, std::string& example) {
  std::string packed, list;
  for (const int64_t value : values) wire::appendVarint(static_cast<uint64_t>(value), packed);
  wire::appendBytesField(kValue, packed, list);
  appendList(name, kInt64List, list, example);
}

void appendFeature(std::string_view name, Span<const std::string_view> values,
                   std::string& example) {
  std::string list;
  for (const std::string_view value : values) wire::appendBytesField(kValue, value, list);
  appendList(name, kBytesList, list, example);
}

void bindExamples(const ExampleList& list, const Signature& signature, Workspace& workspace) {
  if (list.examples.empty()) refuse("Input is empty.");
  if (list.context.size() > kMostContextBytes / list.examples.size()) {
    throw Error(ErrorCode::kOverloaded, "a context of " + std::to_string(list.context.size()) +
                                            " bytes for each of " +
                                            std::to_string(list.examples.size()) +
                                            " examples: expected at most 64 MiB in all");
  }
  workspace.start(signature);
  if (parsesExamples(signature)) return bindWhole(list, workspace);
  ExampleReader(signature, workspace).read(list);
}

}  // namespace aios::server::api::examples
