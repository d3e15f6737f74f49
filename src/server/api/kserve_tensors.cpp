#include "server/api/kserve_tensors.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "aios/error.hpp"
#include "server/api/kserve_datatype.hpp"

namespace aios::server::api::kserve {
namespace {

[[noreturn]] void refuse(const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument, message);
}

std::string inQuotes(std::string_view text) { return "'" + std::string(text) + "'"; }

std::string listed(Span<const int64_t> shape) {
  std::string text = "[";
  for (const int64_t size : shape) text += (text.size() > 1 ? "," : "") + std::to_string(size);
  return text + "]";
}

// The index of the spec of this name; the number of specs where there is none.
std::size_t indexOf(std::string_view name, const std::vector<TensorSpec>& specs) {
  const auto found = std::find_if(specs.begin(), specs.end(),
                                  [&](const TensorSpec& spec) { return spec.name == name; });
  return static_cast<std::size_t>(found - specs.begin());
}

bool fits(const std::vector<int64_t>& expected, Span<const int64_t> shape) {
  return expected.size() == shape.size() &&
         std::equal(
             expected.begin(), expected.end(), shape.begin(),
             [](int64_t wanted, int64_t size) { return wanted == kAnySize || wanted == size; });
}

bool isAligned(std::string_view bytes, DType dtype) {
  return reinterpret_cast<std::uintptr_t>(bytes.data()) % byteSize(dtype) == 0;
}

}  // namespace

void refuseExtension(std::string_view parameter) {
  if (parameter != "classification" && parameter.substr(0, 14) != "shared_memory_") return;
  throw Error(ErrorCode::kUnsupported,
              "parameter '" + std::string(parameter) + "' isn't supported by this server");
}

std::size_t TensorBinder::inputOf(std::string_view name, std::string_view datatype,
                                  Span<const int64_t> shape) {
  const std::size_t index = indexOf(name, signature_.inputs);
  if (index == signature_.inputs.size()) {
    refuse("unexpected inference input " + inQuotes(name) + " for model " +
           inQuotes(model_.name()));
  }
  const TensorSpec& spec = signature_.inputs[index];
  if (workspace_.hasInput(index)) refuse("input " + inQuotes(name) + " already exists in request");
  if (datatype != datatypeOf(spec.dtype)) {
    refuse("inference input " + inQuotes(name) + " data-type is " + inQuotes(datatype) +
           ", but model " + inQuotes(model_.name()) + " expects '" + datatypeOf(spec.dtype) + "'");
  }
  if (!fits(spec.shape, shape)) {
    refuse("unexpected shape for input " + inQuotes(name) + " for model " +
           inQuotes(model_.name()) + ". Expected " + listed(spec.shape) + ", got " + listed(shape));
  }
  return index;
}

std::size_t TensorBinder::outputOf(std::string_view name) const {
  const std::size_t index = indexOf(name, signature_.outputs);
  if (index < signature_.outputs.size()) return index;
  refuse("unexpected inference output " + inQuotes(name) + " for model " + inQuotes(model_.name()));
}

void TensorBinder::giveRead(std::size_t index, Span<const int64_t> shape) {
  const wire::TensorBuffer& tensor = workspace_.input(index);
  const TensorView expected(static_cast<const void*>(tensor.data()), tensor.dtype(), shape);
  if (expected.elements() != tensor.elements()) {
    refuseCount(index, shape, expected.elements(), tensor.elements());
  }
  workspace_.setShape(index, shape);
}

void TensorBinder::giveBinary(std::size_t index, Span<const int64_t> shape,
                              std::string_view bytes) {
  const TensorSpec& spec = signature_.inputs[index];
  const TensorView view(static_cast<const void*>(bytes.data()), spec.dtype, shape);
  const bool is_whole = spec.dtype != DType::kString && view.bytes() == bytes.size();
  if (is_whole && isAligned(bytes, spec.dtype)) {
    workspace_.give(index, view);
    return;
  }
  readBinary(bytes, spec.name, workspace_.input(index));
  giveRead(index, shape);
}

void TensorBinder::refuseCount(std::size_t index, Span<const int64_t> shape, std::size_t expected,
                               std::size_t elements) const {
  refuse("unexpected total byte size for input " + inQuotes(signature_.inputs[index].name) +
         ": expected " + std::to_string(expected) + " elements for " + listed(shape) + ", got " +
         std::to_string(elements));
}

void TensorBinder::requireAll() const {
  const auto& specs = signature_.inputs;
  for (std::size_t i = 0; i < specs.size(); ++i) {
    if (workspace_.hasInput(i)) continue;
    refuse("expected " + std::to_string(specs.size()) + " inputs, input " +
           inQuotes(specs[i].name) + " is missing for model " + inQuotes(model_.name()));
  }
}

}  // namespace aios::server::api::kserve
