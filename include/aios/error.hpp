// The one exception that AIOS Cells throws.
#pragma once

#include <stdexcept>
#include <string>

#include "aios/export.hpp"

namespace aios {

// gRPC's status numbers, the same in C++, C and Python.
enum class ErrorCode : int {
  kInvalidArgument = 3,
  kDeadlineExceeded = 4,
  kNotFound = 5,
  kOverloaded = 8,
  kFailedPrecondition = 9,
  kUnsupported = 12,
  kInternal = 13,
  kUnavailable = 14,
  kDataLoss = 15,
};

// what() says what was expected, what came, where, and what to do next.
class AIOS_EXPORT Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message);
  ~Error() override;

  ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

}  // namespace aios
