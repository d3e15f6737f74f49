// Verification: an artifact answers the golden samples as the training model did, or it doesn't.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "bundle/golden.hpp"
#include "bundle/manifest.hpp"
#include "runtime/runner.hpp"

namespace aios::runtime {

struct Verification {
  bool ok = true;
  double worst = 0;         // largest error, in tolerances: over 1 is a failure
  double max_error = 0;     // largest |answer - reference|
  std::size_t samples = 0;  // how many were run
  // Where the largest error was; the tensor is empty if nothing was compared.
  std::size_t sample = 0;
  std::string tensor;
  std::string reason;  // why not ok
  // It isn't wrong: its engine isn't installed, or it isn't made for this machine.
  bool not_run = false;
  // Of each sample and output of floats: its largest error over the reference's largest magnitude.
  std::vector<double> relative_errors;
  std::size_t classified = 0;  // rows of class scores
  std::size_t agreed = 0;      // those whose largest score is of the reference's class

  // The median; none where no floats were compared.
  std::optional<double> relativeError() const;
  // From 0 to 1; none for a model that doesn't classify.
  std::optional<double> top1Agreement() const;
};

// Compares one tensor with its reference, elements of the same dtype and shape. An answer that is
// not finite where the reference is counts as infinitely wrong; other dtypes than floats must be
// equal. Adds what it finds to `result`.
void compareTensor(const TensorView& answer, const TensorView& reference,
                   const bundle::Tolerance& tolerance, const std::string& tensor,
                   std::size_t sample, Verification& result);

// Compares the classes of the largest scores, row by row; of equal references any is right. Does
// nothing for what isn't rows of two or more floats.
void compareClasses(const TensorView& answer, const TensorView& reference, Verification& result);

// Runs up to `max_samples` golden samples of every runner's signature, spread over all of those
// that the artifact is proved on.
// Never throws for a wrong answer; passes on what the engine throws.
Verification verifyModel(Span<const std::unique_ptr<Runner>> runners,
                         const bundle::GoldenSamples& golden, const bundle::Artifact& artifact,
                         std::size_t max_samples);

}  // namespace aios::runtime
