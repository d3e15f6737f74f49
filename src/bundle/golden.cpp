#include "bundle/golden.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "aios/error.hpp"
#include "bundle/json_fields.hpp"
#include "core/dtype_codes.hpp"

namespace aios::bundle {
namespace {

// What all tensors of the largest manifest need, and little enough to be read in a moment.
constexpr uint64_t kMostHeaderBytes = 4 << 20;
// Even of nothing at all, asking takes time.
constexpr uint64_t kMostSamples = 1'000'000;

[[noreturn]] void throwMalformed(const std::string& what) {
  throw Error(ErrorCode::kDataLoss,
              "bundle's golden samples: " + what + "; export the bundle again");
}

// Of safetensors; strings are kept as offsets and bytes.
constexpr auto kCodes = dtypeCodes<std::string_view>({{DType::kBool, "BOOL"},
                                                      {DType::kInt8, "I8"},
                                                      {DType::kUInt8, "U8"},
                                                      {DType::kInt16, "I16"},
                                                      {DType::kUInt16, "U16"},
                                                      {DType::kInt32, "I32"},
                                                      {DType::kUInt32, "U32"},
                                                      {DType::kInt64, "I64"},
                                                      {DType::kUInt64, "U64"},
                                                      {DType::kFloat16, "F16"},
                                                      {DType::kFloat32, "F32"},
                                                      {DType::kFloat64, "F64"},
                                                      {DType::kBFloat16, "BF16"}});
static_assert(kCodes.haveAllBut({DType::kString}));

DType dtypeFromSafetensors(const std::string& code) {
  const DType dtype = kCodes.dtypeOf(code);
  if (dtype == DType::kInvalid) throwMalformed("unknown dtype '" + code + "'");
  return dtype;
}

std::vector<uint64_t> sizes(const Json& json, const std::string& name) {
  std::vector<uint64_t> values;
  if (!json.is_array() || json.size() > kMaxRank + 2)
    throwMalformed("'" + shown(name) + "' is malformed");
  for (const Json& value : json) {
    // Sizes are kept as int64: a larger one would come out negative.
    constexpr uint64_t kLargest = std::numeric_limits<int64_t>::max();
    if (!value.is_number_unsigned() || value.get<uint64_t>() > kLargest) {
      throwMalformed("'" + shown(name) + "' is malformed");
    }
    values.push_back(value.get<uint64_t>());
  }
  return values;
}

}  // namespace

GoldenSamples::GoldenSamples(const Directory& directory, const std::string& file)
    : file_(FileContent::forReading(directory, file)) {
  uint64_t header_bytes = 0;
  if (file_.size() < sizeof header_bytes) throwMalformed("the file is cut short");
  std::memcpy(&header_bytes, file_.data(), sizeof header_bytes);
  if (header_bytes > file_.size() - sizeof header_bytes) throwMalformed("the header is cut short");
  if (header_bytes > kMostHeaderBytes) {
    throwMalformed("the header has more than " + std::to_string(kMostHeaderBytes) + " bytes");
  }
  payload_ = sizeof header_bytes + header_bytes;
  const Json header = Json::parse(file_.text().substr(sizeof header_bytes, header_bytes), nullptr,
                                  /*allow_exceptions=*/false);
  if (!header.is_object()) throwMalformed("the header isn't JSON");
  for (const auto& [name, json] : header.items()) {
    if (name == "__metadata__") continue;
    if (!json.is_object() || !json.contains("dtype") || !json["dtype"].is_string() ||
        !json.contains("shape") || !json.contains("data_offsets")) {
      throwMalformed("'" + shown(name) + "' is malformed");
    }
    const std::vector<uint64_t> shape = sizes(json["shape"], name);
    const std::vector<uint64_t> range = sizes(json["data_offsets"], name);
    Entry entry{
        dtypeFromSafetensors(json["dtype"].get<std::string>()), {shape.begin(), shape.end()}, 0};
    if (range.size() != 2 || shape.empty()) throwMalformed("'" + shown(name) + "' is malformed");
    entry.begin = range[0];
    const std::size_t available = file_.size() - payload_;
    // Checked with the samples' axis left out, so that the rank is a call's rank.
    if (entry.shape.size() > kMaxRank + 1)
      throwMalformed("'" + shown(name) + "' has too many axes");
    const TensorView one(static_cast<const void*>(nullptr), entry.dtype,
                         Span<const int64_t>(entry.shape.data() + 1, entry.shape.size() - 1));
    const uint64_t samples = shape[0];
    const bool overflows = one.bytes() != 0 && samples > available / one.bytes();
    if (range[0] > range[1] || range[1] > available || overflows ||
        range[1] - range[0] != samples * one.bytes()) {
      throwMalformed("'" + shown(name) + "' doesn't fit its bytes");
    }
    if (samples > kMostSamples) {
      throwMalformed("'" + shown(name) + "' has more than " + std::to_string(kMostSamples) +
                     " samples");
    }
    entries_.emplace(name, std::move(entry));
  }
}

const GoldenSamples::Entry& GoldenSamples::find(const std::string& key) const {
  const auto found = entries_.find(key);
  if (found == entries_.end()) throwMalformed("'" + shown(key) + "' is missing");
  return found->second;
}

const GoldenSamples::Entry& GoldenSamples::entry(const Signature& signature, const char* role,
                                                 const TensorSpec& spec) const {
  const std::string key = signature.name + "/" + role + "/" + spec.name;
  const bool strings = spec.dtype == DType::kString;
  const Entry& entry = find(strings ? key + "#offsets" : key);
  bool fits = entry.dtype == (strings ? DType::kInt64 : spec.dtype) &&
              entry.shape.size() == spec.shape.size() + (strings ? 2 : 1) &&
              (!strings || entry.shape.back() == 2);
  for (std::size_t i = 0; fits && i < spec.shape.size(); ++i) {
    fits = spec.shape[i] == kAnySize || spec.shape[i] == entry.shape[i + 1];
  }
  if (!fits) throwMalformed("'" + shown(key) + "' doesn't fit " + describe(spec));
  return entry;
}

std::size_t GoldenSamples::countOf(const Signature& signature, const char* inputs,
                                   const char* outputs) const {
  int64_t samples = -1;
  const auto agree = [&](const char* role, const std::vector<TensorSpec>& specs) {
    for (const TensorSpec& spec : specs) {
      const int64_t found = entry(signature, role, spec).shape[0];
      if (samples >= 0 && samples != found) throwMalformed("the numbers of samples differ");
      samples = found;
    }
  };
  agree(inputs, signature.inputs);
  agree(outputs, signature.outputs);
  return samples < 0 ? 0 : static_cast<std::size_t>(samples);
}

std::vector<Signature> GoldenSamples::otherSizes(const Signature& signature) const {
  std::vector<Signature> found;
  for (int number = 1; !signature.inputs.empty(); ++number) {
    Signature other = signature;
    other.name += "#" + std::to_string(number);
    const TensorSpec& first = signature.inputs.front();
    const std::string key = other.name + "/inputs/" + first.name;
    if (entries_.count(first.dtype == DType::kString ? key + "#offsets" : key) == 0) break;
    found.push_back(std::move(other));
  }
  return found;
}

// One sample of an entry, without the samples' axis; of `axes` axes.
TensorView GoldenSamples::sampleOf(const Entry& entry, std::size_t axes, std::size_t sample) const {
  const Span<const int64_t> shape(entry.shape.data() + 1, axes);
  const TensorView first(static_cast<const void*>(file_.data() + payload_ + entry.begin),
                         entry.dtype, shape);
  const auto* begin = static_cast<const std::byte*>(first.bytesData());
  return {static_cast<const void*>(begin + sample * first.bytes()), entry.dtype, shape};
}

TensorView GoldenSamples::stringsOf(const std::string& key, std::size_t sample,
                                    std::vector<StringRef>& strings) const {
  const Entry& bytes = find(key + "#bytes");
  if (bytes.dtype != DType::kUInt8 || bytes.shape.size() != 1) {
    throwMalformed("'" + shown(key) + "#bytes' isn't a list of bytes");
  }
  const Entry& offsets = find(key + "#offsets");
  const TensorView ranges = sampleOf(offsets, offsets.shape.size() - 1, sample);
  const auto* characters = reinterpret_cast<const char*>(file_.data() + payload_ + bytes.begin);
  for (std::size_t i = 0; i < ranges.elements(); i += 2) {
    std::array<int64_t, 2> range{};
    std::memcpy(range.data(), static_cast<const char*>(ranges.bytesData()) + i * sizeof(int64_t),
                sizeof range);
    if (range[0] < 0 || range[0] > range[1] || range[1] > bytes.shape[0]) {
      throwMalformed("'" + shown(key) + "#offsets' points out of the bytes");
    }
    strings.push_back({characters + range[0], static_cast<std::size_t>(range[1] - range[0])});
  }
  return {static_cast<const void*>(strings.data()), DType::kString,
          Span<const int64_t>(ranges.shape().data(), ranges.rank() - 1)};
}

GoldenCall GoldenSamples::call(const Signature& signature, const char* role,
                               const std::vector<TensorSpec>& specs, std::size_t sample) const {
  GoldenCall call;
  for (const TensorSpec& spec : specs) {
    const Entry& found = entry(signature, role, spec);
    if (spec.dtype == DType::kString) {
      const std::string key = signature.name + "/" + role + "/" + spec.name;
      std::vector<StringRef> strings;
      call.views.push_back(stringsOf(key, sample, strings));
      // Moving a vector moves no elements: the view stays right.
      call.strings.push_back(std::move(strings));
    } else {
      call.views.push_back(sampleOf(found, spec.shape.size(), sample));
    }
  }
  return call;
}

std::size_t GoldenSamples::count(const Signature& signature) const {
  return countOf(signature, "inputs", "outputs");
}

std::size_t GoldenSamples::probeCount(const Signature& signature) const {
  const std::string prefix = signature.name + "/probe_outputs/";
  const bool none =
      std::none_of(signature.outputs.begin(), signature.outputs.end(),
                   [&](const TensorSpec& spec) { return entries_.count(prefix + spec.name) != 0; });
  return none ? 0 : countOf(signature, "probe_inputs", "probe_outputs");
}

GoldenCall GoldenSamples::inputs(const Signature& signature, std::size_t sample) const {
  return call(signature, "inputs", signature.inputs, sample);
}

GoldenCall GoldenSamples::outputs(const Signature& signature, std::size_t sample) const {
  return call(signature, "outputs", signature.outputs, sample);
}

GoldenCall GoldenSamples::probeInputs(const Signature& signature, std::size_t probe) const {
  return call(signature, "probe_inputs", signature.inputs, probe);
}

GoldenCall GoldenSamples::probeOutputs(const Signature& signature, std::size_t probe) const {
  return call(signature, "probe_outputs", signature.outputs, probe);
}

}  // namespace aios::bundle
