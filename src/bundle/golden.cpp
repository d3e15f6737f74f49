#include "bundle/golden.hpp"

#include <array>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "aios/error.hpp"

namespace aios::bundle {
namespace {

using Json = nlohmann::json;

[[noreturn]] void throwMalformed(const std::string& what) {
  throw Error(ErrorCode::kDataLoss,
              "bundle's golden samples: " + what + "; export the bundle again");
}

DType dtypeFromSafetensors(const std::string& code) {
  static constexpr std::array<std::pair<const char*, DType>, 12> kCodes = {{
      {"BOOL", DType::kBool},
      {"I8", DType::kInt8},
      {"U8", DType::kUInt8},
      {"I16", DType::kInt16},
      {"U16", DType::kUInt16},
      {"I32", DType::kInt32},
      {"U32", DType::kUInt32},
      {"I64", DType::kInt64},
      {"U64", DType::kUInt64},
      {"F16", DType::kFloat16},
      {"F32", DType::kFloat32},
      {"F64", DType::kFloat64},
  }};
  for (const auto& [known, dtype] : kCodes) {
    if (code == known) return dtype;
  }
  throwMalformed("unknown dtype '" + code + "'");
}

std::vector<uint64_t> sizes(const Json& json, const std::string& name) {
  std::vector<uint64_t> values;
  if (!json.is_array() || json.size() > kMaxRank + 1) throwMalformed("'" + name + "' is malformed");
  for (const Json& value : json) {
    if (!value.is_number_unsigned()) throwMalformed("'" + name + "' is malformed");
    values.push_back(value.get<uint64_t>());
  }
  return values;
}

}  // namespace

GoldenSamples::GoldenSamples(const std::filesystem::path& path) : file_(path) {
  uint64_t header_bytes = 0;
  if (file_.size() < sizeof header_bytes) throwMalformed("the file is cut short");
  std::memcpy(&header_bytes, file_.data(), sizeof header_bytes);
  if (header_bytes > file_.size() - sizeof header_bytes) throwMalformed("the header is cut short");
  payload_ = sizeof header_bytes + header_bytes;
  const Json header = Json::parse(file_.text().substr(sizeof header_bytes, header_bytes), nullptr,
                                  /*allow_exceptions=*/false);
  if (!header.is_object()) throwMalformed("the header isn't JSON");
  for (const auto& [name, json] : header.items()) {
    if (name == "__metadata__") continue;
    if (!json.is_object() || !json.contains("dtype") || !json["dtype"].is_string() ||
        !json.contains("shape") || !json.contains("data_offsets")) {
      throwMalformed("'" + name + "' is malformed");
    }
    const std::vector<uint64_t> shape = sizes(json["shape"], name);
    const std::vector<uint64_t> range = sizes(json["data_offsets"], name);
    Entry entry{
        dtypeFromSafetensors(json["dtype"].get<std::string>()), {shape.begin(), shape.end()}, 0};
    if (range.size() != 2 || shape.empty()) throwMalformed("'" + name + "' is malformed");
    entry.begin = range[0];
    const std::size_t available = file_.size() - payload_;
    // Checked with the samples' axis left out, so that the rank is a call's rank.
    const TensorView one(static_cast<const void*>(nullptr), entry.dtype,
                         Span<const int64_t>(entry.shape.data() + 1, entry.shape.size() - 1));
    const uint64_t samples = shape[0];
    const bool overflows = one.bytes() != 0 && samples > available / one.bytes();
    if (range[0] > range[1] || range[1] > available || overflows ||
        range[1] - range[0] != samples * one.bytes()) {
      throwMalformed("'" + name + "' doesn't fit its bytes");
    }
    entries_.emplace(name, std::move(entry));
  }
}

const GoldenSamples::Entry& GoldenSamples::entry(const Signature& signature, const char* role,
                                                 const TensorSpec& spec) const {
  const std::string key = signature.name + "/" + role + "/" + spec.name;
  const auto found = entries_.find(key);
  if (found == entries_.end()) throwMalformed("'" + key + "' is missing");
  const Entry& entry = found->second;
  bool fits = entry.dtype == spec.dtype && entry.shape.size() == spec.shape.size() + 1;
  for (std::size_t i = 0; fits && i < spec.shape.size(); ++i) {
    fits = spec.shape[i] == kAnySize || spec.shape[i] == entry.shape[i + 1];
  }
  if (!fits) throwMalformed("'" + key + "' doesn't fit " + describe(spec));
  return entry;
}

std::size_t GoldenSamples::count(const Signature& signature) const {
  int64_t samples = -1;
  const auto agree = [&](const char* role, const std::vector<TensorSpec>& specs) {
    for (const TensorSpec& spec : specs) {
      const int64_t found = entry(signature, role, spec).shape[0];
      if (samples >= 0 && samples != found) throwMalformed("the numbers of samples differ");
      samples = found;
    }
  };
  agree("inputs", signature.inputs);
  agree("outputs", signature.outputs);
  return samples < 0 ? 0 : static_cast<std::size_t>(samples);
}

TensorView GoldenSamples::sampleOf(const Signature& signature, const char* role,
                                   const TensorSpec& spec, std::size_t sample) const {
  const Entry& found = entry(signature, role, spec);
  const Span<const int64_t> shape(found.shape.data() + 1, found.shape.size() - 1);
  const TensorView first(static_cast<const void*>(file_.data() + payload_ + found.begin),
                         found.dtype, shape);
  const auto* begin = static_cast<const std::byte*>(first.bytesData());
  return {static_cast<const void*>(begin + sample * first.bytes()), found.dtype, shape};
}

std::vector<TensorView> GoldenSamples::inputs(const Signature& signature,
                                              std::size_t sample) const {
  std::vector<TensorView> views;
  for (const TensorSpec& spec : signature.inputs) {
    views.push_back(sampleOf(signature, "inputs", spec, sample));
  }
  return views;
}

std::vector<TensorView> GoldenSamples::outputs(const Signature& signature,
                                               std::size_t sample) const {
  std::vector<TensorView> views;
  for (const TensorSpec& spec : signature.outputs) {
    views.push_back(sampleOf(signature, "outputs", spec, sample));
  }
  return views;
}

}  // namespace aios::bundle
