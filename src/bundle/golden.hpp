// Golden samples: inputs and the training model's own answers, read from a safetensors file.
//
// Every tensor is named SIGNATURE/inputs/NAME or SIGNATURE/outputs/NAME and has one leading axis
// more than a call of batch 1: the samples. Format: https://github.com/huggingface/safetensors.
// Strings are two tensors: NAME#bytes (uint8) and NAME#offsets (int64), whose last axis of size 2
// says where each element begins and ends in the bytes. SIGNATURE/probe_inputs/NAME and
// SIGNATURE/probe_outputs/NAME are calls whose answers aren't finite, which judge no accuracy.
// SIGNATURE#1, SIGNATURE#2, … are samples of SIGNATURE at other inner sizes, which a tensor can't
// hold together.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "aios/signature.hpp"
#include "bundle/file_content.hpp"

namespace aios::bundle {

// One call's tensors; they borrow from the file, and strings from `strings`.
struct GoldenCall {
  std::vector<TensorView> views;
  std::vector<std::vector<StringRef>> strings;
};

// Holds the file's content; the views that it gives borrow from it.
class GoldenSamples {
 public:
  // Throws DataLoss, naming the file, if it isn't well-formed.
  GoldenSamples(const Directory& directory, const std::string& file);

  // The number of samples of a signature; 0 if it has none. Throws DataLoss if a tensor of the
  // signature is missing, of another dtype or shape, or has another number of samples.
  std::size_t count(const Signature& signature) const;
  // The signature under the names of its samples at other inner sizes, SIGNATURE#1, SIGNATURE#2, …;
  // none for most. The other methods take these for a signature.
  std::vector<Signature> otherSizes(const Signature& signature) const;
  // One call's tensors in the signature's order; `sample` is less than count(signature).
  GoldenCall inputs(const Signature& signature, std::size_t sample) const;
  GoldenCall outputs(const Signature& signature, std::size_t sample) const;

  // The same of the probes; a bundle may have none.
  std::size_t probeCount(const Signature& signature) const;
  GoldenCall probeInputs(const Signature& signature, std::size_t probe) const;
  GoldenCall probeOutputs(const Signature& signature, std::size_t probe) const;

 private:
  struct Entry {
    DType dtype;
    std::vector<int64_t> shape;
    std::size_t begin;
  };
  const Entry& find(const std::string& key) const;
  const Entry& entry(const Signature& signature, const char* role, const TensorSpec& spec) const;
  std::size_t countOf(const Signature& signature, const char* inputs, const char* outputs) const;
  GoldenCall call(const Signature& signature, const char* role,
                  const std::vector<TensorSpec>& specs, std::size_t sample) const;
  TensorView sampleOf(const Entry& entry, std::size_t axes, std::size_t sample) const;
  TensorView stringsOf(const std::string& key, std::size_t sample,
                       std::vector<StringRef>& strings) const;

  FileContent file_;
  std::size_t payload_ = 0;
  std::unordered_map<std::string, Entry> entries_;
};

}  // namespace aios::bundle
