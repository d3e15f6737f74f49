// What TensorFlow Serving's classification and regression answer, whatever form an answer goes out
// in: a model's outputs as scores of classes, or as values.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "aios/signature.hpp"

namespace aios::server::api::examples {

struct Class {
  std::string_view label;  // empty where the model has none
  float score = 0;         // 0 where it has none
};

// The classes of each example, in the order of the model's outputs. Borrows all that it is made of.
class Classification {
 public:
  // The scores are the output `scores`, or the only one of floats; the labels are the output
  // `classes`, or the only one of strings, or else `labels`, where there is one for each score.
  // All have the shape [examples, classes]. Throws InvalidArgument where the signature has no such
  // outputs.
  Classification(const Signature& signature, Span<const TensorView> outputs,
                 std::size_t example_count, const std::vector<std::string>& labels);

  std::size_t exampleCount() const noexcept { return example_count_; }
  std::size_t classCount() const noexcept { return class_count_; }
  Class at(std::size_t example, std::size_t index) const noexcept;

 private:
  std::size_t example_count_;
  std::size_t class_count_ = 0;
  const TensorView* classes_;
  const TensorView* scores_;
  const std::vector<std::string>* labels_ = nullptr;
};

// The value of each example.
class Regression {
 public:
  // The values are the output `outputs`, or the only one of floats, of the shape [examples] or
  // [examples, 1]. Throws InvalidArgument where the signature has no such output.
  Regression(const Signature& signature, Span<const TensorView> outputs, std::size_t example_count);

  std::size_t exampleCount() const noexcept { return example_count_; }
  float at(std::size_t example) const noexcept;

 private:
  std::size_t example_count_;
  const TensorView* values_;
};

}  // namespace aios::server::api::examples
