#include "bundle/ranges.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "core/floats.hpp"

namespace aios::bundle {
namespace {

bool isInside(const Range& range, const TensorView& tensor) {
  if (!isFloat(tensor.dtype())) return true;
  for (std::size_t i = 0; i < tensor.elements(); ++i) {
    const double value = floatAt(tensor, i);
    if (std::isfinite(value) && (value < range.low || value > range.high)) return false;
  }
  return true;
}

bool isEqual(const Range& a, const Range& b) { return a.low == b.low && a.high == b.high; }

bool holds(const Range& a, const Range& b) { return a.low <= b.low && a.high >= b.high; }

// Whether both have the same keys, and every pair of values passes.
template <typename Map, typename Test>
bool agree(const Map& a, const Map& b, const Test& test) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](const auto& x, const auto& y) {
    return x.first == y.first && test(x.second, y.second);
  });
}

template <typename Test>
bool everyRange(const SignatureRanges& a, const SignatureRanges& b, const Test& test) {
  return agree(a, b, [&](const InputRanges& x, const InputRanges& y) { return agree(x, y, test); });
}

std::string figure(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2g", value);
  return text;
}

}  // namespace

bool isInside(const SignatureRanges& ranges, const Signature& signature,
              Span<const TensorView> inputs) {
  const auto own = ranges.find(signature.name);
  if (own == ranges.end()) return true;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const auto range = own->second.find(signature.inputs[i].name);
    if (range != own->second.end() && !isInside(range->second, inputs[i])) return false;
  }
  return true;
}

bool isFurther(const SignatureRanges& a, const SignatureRanges& b) {
  return everyRange(a, b, holds) && !everyRange(a, b, isEqual);
}

std::string describe(const SignatureRanges& ranges) {
  std::string text;
  for (const auto& [signature, inputs] : ranges) {
    for (const auto& [name, range] : inputs) {
      text += (text.empty() ? "" : ", ") + name + " from " + figure(range.low) + " to " +
              figure(range.high);
    }
  }
  return text;
}

}  // namespace aios::bundle
