#include "engines/tensorflow/meta_graph.hpp"

#include <algorithm>
#include <optional>

#include "aios/error.hpp"
#include "engines/tensorflow/tensorflow_api.hpp"

namespace aios::engines::tensorflow {
namespace {

[[noreturn]] void throwMalformed() {
  throw Error(ErrorCode::kDataLoss, "the SavedModel's MetaGraphDef is malformed; save it again");
}

// One field after another of a message.
class WireReader {
 public:
  explicit WireReader(std::string_view bytes) : bytes_(bytes) {}

  bool next() {
    if (bytes_.empty()) return false;
    const uint64_t tag = varint();
    field_ = static_cast<int>(tag >> 3);
    switch (tag & 7) {
      case 0:
        number_ = varint();
        break;
      case 1:
        take(8);
        break;
      case 2:
        payload_ = take(varint());
        break;
      case 5:
        take(4);
        break;
      default:
        throwMalformed();
    }
    return true;
  }

  int field() const { return field_; }
  uint64_t number() const { return number_; }
  std::string_view payload() const { return payload_; }

 private:
  uint64_t varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (bytes_.empty()) throwMalformed();
      const auto byte = static_cast<unsigned char>(bytes_.front());
      bytes_.remove_prefix(1);
      value |= static_cast<uint64_t>(byte & 127) << shift;
      if (byte < 128) return value;
    }
    throwMalformed();
  }

  std::string_view take(uint64_t size) {
    if (size > bytes_.size()) throwMalformed();
    const std::string_view taken = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return taken;
  }

  std::string_view bytes_;
  int field_ = 0;
  uint64_t number_ = 0;
  std::string_view payload_;
};

// TensorShapeProto: dim = 2 {size = 1}, unknown_rank = 3.
bool readShape(std::string_view bytes, std::vector<int64_t>& shape) {
  for (WireReader reader(bytes); reader.next();) {
    if (reader.field() == 3 && reader.number() != 0) return false;
    if (reader.field() != 2) continue;
    int64_t size = 0;
    for (WireReader dim(reader.payload()); dim.next();) {
      if (dim.field() == 1) size = static_cast<int64_t>(dim.number());
    }
    shape.push_back(size < 0 ? kAnySize : size);
  }
  return shape.size() <= kMaxRank;
}

// TensorInfo: name = 1, dtype = 2, tensor_shape = 3. False for a tensor that cells can't take.
bool readTensor(std::string_view bytes, TensorSpec& spec, std::string& graph_name) {
  bool fits = true;
  for (WireReader reader(bytes); reader.next();) {
    if (reader.field() == 1) graph_name = std::string(reader.payload());
    if (reader.field() == 2) spec.dtype = dtypeFromTfType(static_cast<int>(reader.number()));
    if (reader.field() == 3) fits = readShape(reader.payload(), spec.shape);
  }
  return fits && spec.dtype != DType::kInvalid && !graph_name.empty();
}

// A map's entry: key = 1, value = 2.
std::pair<std::string, std::string_view> readEntry(std::string_view bytes) {
  std::pair<std::string, std::string_view> entry;
  for (WireReader reader(bytes); reader.next();) {
    if (reader.field() == 1) entry.first = std::string(reader.payload());
    if (reader.field() == 2) entry.second = reader.payload();
  }
  return entry;
}

// SignatureDef: inputs = 1, outputs = 2, both maps from a name to a TensorInfo.
std::optional<SignatureDef> readSignature(std::string_view entry_bytes) {
  const auto [name, bytes] = readEntry(entry_bytes);
  SignatureDef def;
  def.signature.name = name;
  def.graph.signature = name;
  for (WireReader reader(bytes); reader.next();) {
    if (reader.field() != 1 && reader.field() != 2) continue;
    const auto [tensor, info] = readEntry(reader.payload());
    TensorSpec spec;
    spec.name = tensor;
    std::string graph_name;
    if (!readTensor(info, spec, graph_name)) return std::nullopt;
    const bool input = reader.field() == 1;
    (input ? def.graph.inputs : def.graph.outputs)[tensor] = graph_name;
    (input ? def.signature.inputs : def.signature.outputs).push_back(std::move(spec));
  }
  const auto by_name = [](const TensorSpec& a, const TensorSpec& b) { return a.name < b.name; };
  std::sort(def.signature.inputs.begin(), def.signature.inputs.end(), by_name);
  std::sort(def.signature.outputs.begin(), def.signature.outputs.end(), by_name);
  if (def.signature.outputs.empty()) return std::nullopt;
  return def;
}

}  // namespace

std::vector<SignatureDef> readSignatures(std::string_view meta_graph) {
  std::vector<SignatureDef> found;
  for (WireReader reader(meta_graph); reader.next();) {
    if (reader.field() != 5) continue;
    if (auto def = readSignature(reader.payload())) found.push_back(std::move(*def));
  }
  const auto rank = [](const SignatureDef& def) {
    return std::make_pair(def.signature.name != "serving_default", def.signature.name);
  };
  std::sort(found.begin(), found.end(),
            [&](const SignatureDef& a, const SignatureDef& b) { return rank(a) < rank(b); });
  return found;
}

}  // namespace aios::engines::tensorflow
