#include "aios/error.hpp"

namespace aios {

Error::Error(ErrorCode code, const std::string& message)
    : std::runtime_error(message), code_(code) {}

// Out of line: one vtable and one type_info, in this library, for every catcher.
Error::~Error() = default;

}  // namespace aios
