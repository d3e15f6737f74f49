// How far an answer is from the training model's.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "aios/tensor.hpp"
#include "bundle/manifest.hpp"

namespace aios::runtime {

// What a verification found.
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
  // Samples outside the ranges that had to be proved which it didn't answer well: signature,
  // sample.
  std::vector<std::pair<std::string, std::size_t>> missed;
  std::size_t probes = 0;      // calls with NaN or infinities
  std::size_t propagated = 0;  // those of whose NaN and infinities the answer hides none
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

// Whether the answer has NaN or an infinity wherever the reference has one of them; which of the
// two may depend on the order of a sum alone. True for other dtypes than floats, which have
// neither.
bool hidesNothing(const TensorView& answer, const TensorView& reference);

}  // namespace aios::runtime
