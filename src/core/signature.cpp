#include "aios/signature.hpp"

#include "aios/error.hpp"

namespace aios {
namespace {

bool hasBatch(const TensorSpec& spec) { return !spec.shape.empty() && spec.shape[0] == kAnySize; }

bool hasMemory(const TensorView& view) {
  return view.bytesData() != nullptr || view.elements() == 0;
}

bool fits(const TensorSpec& spec, const TensorView& view) {
  if (view.dtype() != spec.dtype || view.rank() != spec.shape.size()) return false;
  for (std::size_t i = 0; i < view.rank(); ++i) {
    if (spec.shape[i] != kAnySize && spec.shape[i] != view.dim(i)) return false;
  }
  return true;
}

// What to do about a tensor that doesn't fit, by the first thing that is wrong with it.
std::string remedy(const TensorSpec& spec, const TensorView& view) {
  if (!hasMemory(view)) return "give it memory";
  std::string text;
  if (view.dtype() != spec.dtype) text = std::string("cast to ") + name(spec.dtype);
  if (view.rank() + 1 == spec.shape.size() && hasBatch(spec)) {
    return text + (text.empty() ? "" : " and ") + "add a leading batch dimension";
  }
  if (view.rank() != spec.shape.size()) {
    return text + (text.empty() ? "" : " and ") + "pass " + std::to_string(spec.shape.size()) +
           " dimensions";
  }
  for (std::size_t i = 0; i < view.rank(); ++i) {
    if (spec.shape[i] != kAnySize && spec.shape[i] != view.dim(i)) {
      return text + (text.empty() ? "" : " and ") +
             (i + 1 == view.rank() ? "check the feature count"
                                   : "check dimension " + std::to_string(i));
    }
  }
  return text;
}

// What is thrown is made apart from the checks: every call pays for their registers and stack.

[[noreturn, gnu::noinline]] void throwTensor(const char* role, const TensorSpec& spec,
                                             const TensorView& view) {
  throw Error(ErrorCode::kInvalidArgument, std::string(role) + " '" + spec.name + "': expected " +
                                               describe(spec) + ", got " + describe(view) +
                                               (hasMemory(view) ? "" : " at a null pointer") +
                                               "; " + remedy(spec, view));
}

[[noreturn, gnu::noinline]] void throwCount(const Signature& signature, const char* role,
                                            std::size_t expected, std::size_t count) {
  throw Error(ErrorCode::kInvalidArgument, "signature '" + signature.name + "': expected " +
                                               std::to_string(expected) + " " + role + "s, got " +
                                               std::to_string(count));
}

[[noreturn, gnu::noinline]] void throwBatch(const TensorSpec& spec, const TensorView& view,
                                            int64_t batch) {
  throw Error(ErrorCode::kInvalidArgument,
              "input '" + spec.name + "': expected a batch of " + std::to_string(batch) +
                  " as in the inputs before it, got " + describe(view) +
                  "; give every input the same number of samples");
}

}  // namespace

std::string describe(const TensorSpec& spec) { return describe(spec.dtype, spec.shape); }

void checkTensor(const char* role, const TensorSpec& spec, const TensorView& view) {
  if (!fits(spec, view) || !hasMemory(view)) throwTensor(role, spec, view);
}

void checkCount(const Signature& signature, const char* role, std::size_t expected,
                Span<const TensorView> views) {
  const std::size_t count = views.data() == nullptr ? 0 : views.size();
  if (count != expected) throwCount(signature, role, expected, count);
}

int64_t checkInputs(const Signature& signature, Span<const TensorView> inputs) {
  checkCount(signature, "input", signature.inputs.size(), inputs);
  int64_t batch = kAnySize;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const TensorSpec& spec = signature.inputs[i];
    checkTensor("input", spec, inputs[i]);
    if (!hasBatch(spec)) continue;
    if (batch != kAnySize && batch != inputs[i].dim(0)) throwBatch(spec, inputs[i], batch);
    batch = inputs[i].dim(0);
  }
  return batch == kAnySize ? 1 : batch;
}

std::vector<int64_t> outputShape(const TensorSpec& spec, int64_t batch) {
  std::vector<int64_t> shape = spec.shape;
  if (hasBatch(spec)) shape[0] = batch;
  for (const int64_t dim : shape) {
    if (dim == kAnySize) {
      throw Error(ErrorCode::kUnsupported,
                  "output '" + spec.name + "' has the shape " + describe(spec) +
                      ": only its first dimension may be of any size here");
    }
  }
  return shape;
}

}  // namespace aios
