#include "engines/litert/output_memory.hpp"

#include <sys/mman.h>

#include <string>

#include "aios/error.hpp"

namespace aios::engines::litert {

OutputMemory::OutputMemory(std::size_t outputs) {
  for (std::size_t i = 0; i < outputs; ++i) {
    void* begin = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (begin == MAP_FAILED) {
      release();
      throw Error(ErrorCode::kUnsupported,
                  "engine 'litert' needs " + std::to_string(kBytes >> 20) +
                      " MiB of address space for each answer of unknown size, and this process may "
                      "not have them; raise the limit (ulimit -v), or use another engine");
    }
    begins_.push_back(begin);
  }
}

OutputMemory::~OutputMemory() { release(); }

void OutputMemory::release() noexcept {
  for (void* begin : begins_) ::munmap(begin, kBytes);
}

}  // namespace aios::engines::litert
