#include "runtime/process.hpp"

#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace aios::runtime {

void trimMemory() noexcept {
#if defined(__GLIBC__)
  ::malloc_trim(0);
#endif
}

}  // namespace aios::runtime
