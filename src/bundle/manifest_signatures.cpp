#include "bundle/manifest_signatures.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "aios/error.hpp"
#include "bundle/limits.hpp"

namespace aios::bundle {
namespace {

// Divides before it multiplies, so that no product overflows.
void checkTensorSize(const TensorSpec& spec) {
  int64_t bytes = static_cast<int64_t>(byteSize(spec.dtype));
  for (const int64_t size : spec.shape) {
    if (size == 0) return;
  }
  for (const int64_t size : spec.shape) {
    if (size == kAnySize) continue;
    if (size > Limits::kTensorBytes / bytes) {
      refuseManifest("'" + shown(spec.name) + "' has more than " +
                     std::to_string(Limits::kTensorBytes) + " bytes");
    }
    bytes *= size;
  }
}

TensorSpec parseSpec(const Json& json) {
  TensorSpec spec;
  spec.name = textMember(json, "name", Limits::kNameBytes);
  if (spec.name.find('\0') != std::string::npos) {
    refuseManifest("'" + shown(spec.name) + "' isn't a tensor's name");
  }
  const std::string dtype = textMember(json, "dtype", Limits::kNameBytes);
  spec.dtype = dtypeFromName(dtype);
  if (spec.dtype == DType::kInvalid) {
    throw Error(ErrorCode::kUnsupported, "tensor '" + shown(spec.name) + "' has the dtype '" +
                                             shown(dtype) +
                                             "', which this version doesn't know; upgrade aios");
  }
  const Json& shape = member(json, "shape");
  const bool sizes =
      shape.is_array() && std::all_of(shape.begin(), shape.end(), [](const Json& dim) {
        return isInteger(dim, kAnySize, Limits::kSize);
      });
  if (!sizes) refuseManifest("the shape of '" + shown(spec.name) + "' isn't a list of sizes");
  if (shape.size() > kMaxRank) {
    refuseManifest("'" + shown(spec.name) + "' has too many dimensions");
  }
  spec.shape = shape.get<std::vector<int64_t>>();
  checkTensorSize(spec);
  return spec;
}

std::vector<TensorSpec> parseSpecs(const Json& json, const std::string& signature,
                                   const char* role) {
  const std::string key = std::string(role) + "s";
  std::vector<TensorSpec> specs;
  std::set<std::string> names;
  for (const Json& entry : listMember(json, key.c_str(), Limits::kTensors)) {
    specs.push_back(parseSpec(entry));
    if (names.insert(specs.back().name).second) continue;
    refuseManifest("signature '" + shown(signature) + "' has two " + key + " named '" +
                   shown(specs.back().name) + "'");
  }
  if (specs.empty()) refuseManifest("signature '" + shown(signature) + "' has no " + key);
  return specs;
}

}  // namespace

std::vector<Signature> parseSignatures(const Json& json) {
  std::vector<Signature> signatures;
  std::set<std::string> names;
  for (const Json& entry : listMember(json, "signatures", Limits::kSignatures)) {
    Signature signature;
    signature.name = textMember(entry, "name", Limits::kNameBytes);
    if (!names.insert(signature.name).second) {
      refuseManifest("signature '" + shown(signature.name) + "' is there twice");
    }
    signature.inputs = parseSpecs(entry, signature.name, "input");
    signature.outputs = parseSpecs(entry, signature.name, "output");
    signatures.push_back(std::move(signature));
  }
  if (signatures.empty()) refuseManifest("it has no signature");
  return signatures;
}

}  // namespace aios::bundle
