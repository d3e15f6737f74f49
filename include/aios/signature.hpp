// What a model takes and gives: named, ordered tensor specs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "aios/export.hpp"
#include "aios/tensor.hpp"

namespace aios {

// A dimension that may have any size.
inline constexpr int64_t kAnySize = -1;

struct TensorSpec {
  std::string name;
  DType dtype = DType::kInvalid;
  std::vector<int64_t> shape;  // kAnySize where any size is taken
};

struct Signature {
  std::string name;
  std::vector<TensorSpec> inputs;
  std::vector<TensorSpec> outputs;
};

// "float32[-1,10]"
AIOS_EXPORT std::string describe(const TensorSpec& spec);

// Throws InvalidArgument, naming the tensor, what was expected and what came: another dtype or
// shape, or no memory. `role` is "input" or "output".
AIOS_EXPORT void checkTensor(const char* role, const TensorSpec& spec, const TensorView& view);

// Throws InvalidArgument unless there are so many tensors. `role` is "input" or "output".
AIOS_EXPORT void checkCount(const Signature& signature, const char* role, std::size_t expected,
                            Span<const TensorView> views);

// Checks count, dtypes and shapes, and that all inputs agree on the size of a leading kAnySize.
// Returns that size: the batch; 1 where no input has a leading kAnySize.
AIOS_EXPORT int64_t checkInputs(const Signature& signature, Span<const TensorView> inputs);

// The shape of an output for a batch. Throws Unsupported if another dimension is kAnySize.
AIOS_EXPORT std::vector<int64_t> outputShape(const TensorSpec& spec, int64_t batch);

}  // namespace aios
