#include "server/api/example_results.hpp"

#include "aios/error.hpp"
#include "core/floats.hpp"

namespace aios::server::api::examples {
namespace {

[[noreturn]] void refuse(const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument, message);
}

// Which output of a signature: the one of this name, or the only one that is fit.
template <typename IsFit>
const TensorView* outputOf(const Signature& signature, Span<const TensorView> outputs,
                           const char* name, const IsFit& is_fit) {
  const TensorView* found = nullptr;
  std::size_t fit = 0;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (!is_fit(signature.outputs[i].dtype)) continue;
    if (signature.outputs[i].name == name) return &outputs[i];
    found = &outputs[i];
    ++fit;
  }
  return fit == 1 ? found : nullptr;
}

const TensorView* floatsOf(const Signature& signature, Span<const TensorView> outputs,
                           const char* name) {
  return outputOf(signature, outputs, name, isFloat);
}

const TensorView* stringsOf(const Signature& signature, Span<const TensorView> outputs,
                            const char* name) {
  return outputOf(signature, outputs, name, [](DType dtype) { return dtype == DType::kString; });
}

std::string described(const Signature& signature) {
  std::string text = "signature '" + signature.name + "' has the outputs ";
  for (const TensorSpec& spec : signature.outputs) {
    text += (&spec == signature.outputs.data() ? "'" : ", '") + spec.name + "' " + describe(spec);
  }
  return text;
}

void requireShape(const char* what, const TensorView& tensor, std::size_t examples) {
  if (tensor.rank() != 2) {
    refuse(std::string("Expected Tensor shape: [batch_size num_classes] but got ") +
           describe(tensor));
  }
  if (tensor.dim(0) == static_cast<int64_t>(examples)) return;
  refuse(std::string("Expected ") + what + " output batch size of " + std::to_string(examples) +
         ". Got: " + std::to_string(tensor.dim(0)));
}

}  // namespace

Classification::Classification(const Signature& signature, Span<const TensorView> outputs,
                               std::size_t example_count, const std::vector<std::string>& labels)
    : example_count_(example_count),
      classes_(stringsOf(signature, outputs, "classes")),
      scores_(floatsOf(signature, outputs, "scores")) {
  if (classes_ == nullptr && scores_ == nullptr) {
    refuse(
        "Expected classification signature outputs to contain at least one of \"classes\" or "
        "\"scores\", or one output of floats alone: " +
        described(signature));
  }
  if (classes_ != nullptr) requireShape("classes", *classes_, example_count);
  if (scores_ != nullptr) requireShape("scores", *scores_, example_count);
  if (classes_ != nullptr && scores_ != nullptr && classes_->dim(1) != scores_->dim(1)) {
    refuse("Tensors class and score should match in dim_size(1). Got " +
           std::to_string(classes_->dim(1)) + " vs. " + std::to_string(scores_->dim(1)));
  }
  class_count_ = static_cast<std::size_t>((classes_ != nullptr ? classes_ : scores_)->dim(1));
  if (classes_ == nullptr && labels.size() == class_count_) labels_ = &labels;
}

Class Classification::at(std::size_t example, std::size_t index) const noexcept {
  const std::size_t element = example * class_count_ + index;
  Class found;
  if (scores_ != nullptr) found.score = static_cast<float>(floatAt(*scores_, element));
  if (classes_ != nullptr) {
    const StringRef& label = classes_->data<StringRef>()[element];
    found.label = {label.data, label.size};
  } else if (labels_ != nullptr) {
    found.label = (*labels_)[index];
  }
  return found;
}

Regression::Regression(const Signature& signature, Span<const TensorView> outputs,
                       std::size_t example_count)
    : example_count_(example_count), values_(floatsOf(signature, outputs, "outputs")) {
  if (values_ == nullptr) {
    refuse("No regression outputs found: expected \"outputs\", or one output of floats alone: " +
           described(signature));
  }
  const bool has_values = values_->rank() == 1 || (values_->rank() == 2 && values_->dim(1) == 1);
  if (!has_values) {
    refuse("Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got " +
           describe(*values_));
  }
  if (values_->dim(0) != static_cast<int64_t>(example_count)) {
    refuse("Input batch size did not match output batch size: " + std::to_string(example_count) +
           " vs. " + std::to_string(values_->dim(0)));
  }
}

float Regression::at(std::size_t example) const noexcept {
  return static_cast<float>(floatAt(*values_, example));
}

}  // namespace aios::server::api::examples
