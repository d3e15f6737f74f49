#include "runtime/comparison.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string_view>

#include "core/floats.hpp"

namespace aios::runtime {
namespace {

void record(double error, double tolerances, const std::string& tensor, std::size_t sample,
            Verification& result) {
  result.max_error = std::max(result.max_error, error);
  if (tolerances > result.worst || result.tensor.empty()) {
    result.worst = std::max(tolerances, result.worst);
    result.tensor = tensor;
    result.sample = sample;
  }
}

// std::max would let a NaN pass unseen.
double infiniteIfNan(double value) {
  return std::isnan(value) ? std::numeric_limits<double>::infinity() : value;
}

// The largest of the finite elements.
double magnitude(const TensorView& tensor) {
  double largest = 0;
  for (std::size_t i = 0; i < tensor.elements(); ++i) {
    const double value = std::abs(floatAt(tensor, i));
    if (std::isfinite(value)) largest = std::max(largest, value);
  }
  return largest;
}

// How large an error is beside what it is an error of.
double relative(double error, double magnitude) {
  return error == 0 ? 0 : infiniteIfNan(error / magnitude);
}

// The index of the first of the largest scores of a row; NaN isn't one unless all are.
std::size_t bestOf(const TensorView& scores, std::size_t begin, std::size_t end) {
  std::size_t best = begin;
  for (std::size_t i = begin + 1; i < end; ++i) {
    const double score = floatAt(scores, best);
    if (floatAt(scores, i) > score || std::isnan(score)) best = i;
  }
  return best;
}

bool equalStrings(const TensorView& a, const TensorView& b) {
  const auto* left = a.data<StringRef>();
  const auto* right = b.data<StringRef>();
  return std::equal(left, left + a.elements(), right, [](const StringRef& x, const StringRef& y) {
    return std::string_view(x.data, x.size) == std::string_view(y.data, y.size);
  });
}

bool equal(const TensorView& a, const TensorView& b) {
  if (a.elements() == 0) return true;
  if (a.dtype() == DType::kString) return equalStrings(a, b);
  return std::memcmp(a.bytesData(), b.bytesData(), a.bytes()) == 0;
}

bool isSameSize(const TensorView& a, const TensorView& b) {
  return a.dtype() == b.dtype() && a.elements() == b.elements();
}

}  // namespace

void compareTensor(const TensorView& answer, const TensorView& reference,
                   const bundle::Tolerance& tolerance, const std::string& tensor,
                   std::size_t sample, Verification& result) {
  if (!isSameSize(answer, reference)) {
    const double infinity = std::numeric_limits<double>::infinity();
    record(infinity, infinity, tensor, sample, result);
    return;
  }
  if (!isFloat(answer.dtype())) {
    const double error = equal(answer, reference) ? 0 : std::numeric_limits<double>::infinity();
    record(error, error, tensor, sample, result);
    return;
  }
  const double largest = magnitude(reference);
  const double absolute = tolerance.absolute * std::max(1.0, largest);
  double error = 0;
  double tolerances = 0;
  for (std::size_t i = 0; i < answer.elements(); ++i) {
    const double expected = floatAt(reference, i);
    const double off = std::abs(floatAt(answer, i) - expected);
    const double allowed = absolute + tolerance.relative * std::abs(expected);
    error = std::max(error, infiniteIfNan(off));
    if (off != 0) tolerances = std::max(tolerances, infiniteIfNan(off / allowed));
  }
  record(error, tolerances, tensor, sample, result);
  result.relative_errors.push_back(relative(error, largest));
}

void compareClasses(const TensorView& answer, const TensorView& reference, Verification& result) {
  if (!isFloat(reference.dtype()) || reference.rank() != 2 || reference.dim(1) < 2) return;
  const auto classes = static_cast<std::size_t>(reference.dim(1));
  const bool same_size = isSameSize(answer, reference);
  for (std::size_t row = 0; row < reference.elements(); row += classes) {
    ++result.classified;
    if (!same_size) continue;
    const std::size_t named = bestOf(answer, row, row + classes);
    const std::size_t expected = bestOf(reference, row, row + classes);
    const bool is_number = !std::isnan(floatAt(answer, named));
    const bool agrees = floatAt(reference, named) == floatAt(reference, expected);
    if (is_number && agrees) ++result.agreed;
  }
}

std::optional<double> Verification::relativeError() const {
  if (relative_errors.empty()) return std::nullopt;
  std::vector<double> sorted = relative_errors;
  const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
  std::nth_element(sorted.begin(), middle, sorted.end());
  return *middle;
}

std::optional<double> Verification::top1Agreement() const {
  if (classified == 0) return std::nullopt;
  return static_cast<double>(agreed) / static_cast<double>(classified);
}

bool hidesNothing(const TensorView& answer, const TensorView& reference) {
  if (!isFloat(reference.dtype())) return true;
  if (!isSameSize(answer, reference)) return false;
  for (std::size_t i = 0; i < reference.elements(); ++i) {
    if (!std::isfinite(floatAt(reference, i)) && std::isfinite(floatAt(answer, i))) return false;
  }
  return true;
}

}  // namespace aios::runtime
