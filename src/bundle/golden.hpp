// Golden samples: inputs and the training model's own answers, read from a safetensors file.
//
// Every tensor is named SIGNATURE/inputs/NAME or SIGNATURE/outputs/NAME and has one leading axis
// more than a call of batch 1: the samples. Format: https://github.com/huggingface/safetensors.
#pragma once

#include <filesystem>
#include <string>
#include <unordered_map>
#include <vector>

#include "aios/signature.hpp"
#include "bundle/integrity.hpp"

namespace aios::bundle {

// Maps the file for its own lifetime; the views that it gives borrow from it.
class GoldenSamples {
 public:
  // Throws DataLoss, naming the file, if it isn't well-formed.
  explicit GoldenSamples(const std::filesystem::path& path);

  // The number of samples of a signature; 0 if it has none. Throws DataLoss if a tensor of the
  // signature is missing, of another dtype or shape, or has another number of samples.
  std::size_t count(const Signature& signature) const;
  // One call's tensors in the signature's order; `sample` is less than count(signature).
  std::vector<TensorView> inputs(const Signature& signature, std::size_t sample) const;
  std::vector<TensorView> outputs(const Signature& signature, std::size_t sample) const;

 private:
  struct Entry {
    DType dtype;
    std::vector<int64_t> shape;
    std::size_t begin;
  };
  const Entry& entry(const Signature& signature, const char* role, const TensorSpec& spec) const;
  TensorView sampleOf(const Signature& signature, const char* role, const TensorSpec& spec,
                      std::size_t sample) const;

  MappedFile file_;
  std::size_t payload_ = 0;
  std::unordered_map<std::string, Entry> entries_;
};

}  // namespace aios::bundle
