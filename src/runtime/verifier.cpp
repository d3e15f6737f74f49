#include "runtime/verifier.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string_view>

namespace aios::runtime {
namespace {

// IEEE 754 binary16, by its definition: sign, 5 exponent bits, 10 fraction bits.
double halfToDouble(uint16_t bits) {
  const int exponent = (bits >> 10) & 31;
  const int fraction = bits & 1023;
  const double sign = (bits & 0x8000) != 0 ? -1.0 : 1.0;
  if (exponent == 31) {
    return fraction != 0 ? std::numeric_limits<double>::quiet_NaN()
                         : sign * std::numeric_limits<double>::infinity();
  }
  if (exponent == 0) return sign * std::ldexp(fraction, -24);
  return sign * std::ldexp(1024 + fraction, exponent - 25);
}

// Byte-wise, because a file gives no promise of alignment.
template <typename T>
T load(const TensorView& view, std::size_t index) {
  T value;
  std::memcpy(&value, static_cast<const char*>(view.bytesData()) + index * sizeof value,
              sizeof value);
  return value;
}

// The upper half of a float32's bits.
double bfloat16ToDouble(uint16_t bits) {
  const uint32_t whole = uint32_t{bits} << 16;
  float value = 0;
  std::memcpy(&value, &whole, sizeof value);
  return value;
}

bool isFloat(DType dtype) {
  return dtype == DType::kFloat16 || dtype == DType::kFloat32 || dtype == DType::kFloat64 ||
         dtype == DType::kBFloat16;
}

double loadFloat(const TensorView& view, std::size_t index) {
  if (view.dtype() == DType::kFloat32) return load<float>(view, index);
  if (view.dtype() == DType::kFloat64) return load<double>(view, index);
  const auto bits = load<uint16_t>(view, index);
  return view.dtype() == DType::kBFloat16 ? bfloat16ToDouble(bits) : halfToDouble(bits);
}

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

double magnitude(const TensorView& reference) {
  double largest = 0;
  for (std::size_t i = 0; i < reference.elements(); ++i) {
    largest = std::max(largest, std::abs(loadFloat(reference, i)));
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
    const double score = loadFloat(scores, best);
    if (loadFloat(scores, i) > score || std::isnan(score)) best = i;
  }
  return best;
}

std::string figure(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", value);
  return text;
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

// One call, with results of the references' shapes. Strings can only be allocated by the engine.
std::vector<Tensor> answer(engines::Session& session, const bundle::GoldenCall& asked,
                           const bundle::GoldenCall& expected) {
  if (!expected.strings.empty()) return session.answer(asked.views);
  std::vector<Tensor> answers;
  for (const TensorView& reference : expected.views) {
    answers.emplace_back(reference.dtype(), reference.shape());
  }
  std::vector<TensorView> views = viewsOf(answers);
  session.run(asked.views, views);
  return answers;
}

}  // namespace

void compareTensor(const TensorView& answer, const TensorView& reference,
                   const bundle::Tolerance& tolerance, const std::string& tensor,
                   std::size_t sample, Verification& result) {
  const bool same_size =
      answer.dtype() == reference.dtype() && answer.elements() == reference.elements();
  if (!same_size) {
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
    const double expected = loadFloat(reference, i);
    const double off = std::abs(loadFloat(answer, i) - expected);
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
  const bool same_size =
      answer.dtype() == reference.dtype() && answer.elements() == reference.elements();
  for (std::size_t row = 0; row < reference.elements(); row += classes) {
    ++result.classified;
    if (!same_size) continue;
    const std::size_t named = bestOf(answer, row, row + classes);
    const std::size_t expected = bestOf(reference, row, row + classes);
    const bool is_number = !std::isnan(loadFloat(answer, named));
    const bool agrees = loadFloat(reference, named) == loadFloat(reference, expected);
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

Verification verifyModel(Span<const std::unique_ptr<Runner>> runners,
                         const bundle::GoldenSamples& golden, const bundle::Artifact& artifact,
                         std::size_t max_samples) {
  Verification result;
  for (const std::unique_ptr<Runner>& runner : runners) {
    const Signature& signature = runner->signature();
    const std::size_t available = std::min(golden.count(signature), artifact.golden_samples);
    const std::size_t wanted = std::min(available, max_samples);
    const SessionPool::Lease session = runner->pool().acquire();
    for (std::size_t i = 0; i < wanted; ++i) {
      const std::size_t sample = i * available / wanted;
      const bundle::GoldenCall expected = golden.outputs(signature, sample);
      const bundle::GoldenCall asked = golden.inputs(signature, sample);
      const std::vector<Tensor> answers = answer(*session.slot().session, asked, expected);
      for (std::size_t output = 0; output < answers.size(); ++output) {
        compareTensor(answers[output].view(), expected.views[output], artifact.tolerance,
                      signature.outputs[output].name, sample, result);
      }
      if (answers.size() == 1) compareClasses(answers[0].view(), expected.views[0], result);
      ++result.samples;
    }
  }
  // Written so that a NaN would fail.
  result.ok = result.worst <= 1;
  if (result.samples == 0) {
    result.ok = false;
    result.reason = "the bundle has no golden samples to verify with";
  } else if (!result.ok) {
    result.reason = "golden sample " + std::to_string(result.sample) + ", tensor '" +
                    result.tensor + "': the answer is " + figure(result.worst) +
                    " tolerances away from the training model's (largest error " +
                    figure(result.max_error) + ")";
  }
  return result;
}

}  // namespace aios::runtime
