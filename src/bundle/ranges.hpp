// Ranges of input values: those that an artifact must be proved for, and those that it is.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "aios/signature.hpp"

namespace aios::bundle {

struct Range {
  double low = 0;
  double high = 0;
};

// By the name of an input; an input without a range, as of integers, may hold any value.
using InputRanges = std::map<std::string, Range>;
// By the name of a signature.
using SignatureRanges = std::map<std::string, InputRanges>;

// Whether the finite values of a call's inputs, in the signature's order, lie in their ranges.
bool isInside(const SignatureRanges& ranges, const Signature& signature,
              Span<const TensorView> inputs);

// Whether `a` holds all that `b` holds, of the same inputs, and more.
bool isFurther(const SignatureRanges& a, const SignatureRanges& b);

// As "x from -3e+02 to 3e+02".
std::string describe(const SignatureRanges& ranges);

}  // namespace aios::bundle
