#include "scarce_memory.hpp"

#include <cstdlib>
#include <new>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define AIOS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define AIOS_SANITIZED 1
#endif
#endif

namespace aios {
namespace {

thread_local bool fails = false;
thread_local bool failed = false;

}  // namespace

void failNextAllocation() { fails = true; }

bool allocationFailed() {
  fails = false;
  const bool answer = failed;
  failed = false;
  return answer;
}

#ifdef AIOS_SANITIZED
bool canMakeMemoryScarce() { return false; }
#else
bool canMakeMemoryScarce() { return true; }
#endif

}  // namespace aios

#ifndef AIOS_SANITIZED
void* operator new(std::size_t size) {
  if (aios::fails) {
    aios::fails = false;
    aios::failed = true;
    throw std::bad_alloc();
  }
  if (void* const memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t /*size*/) noexcept { std::free(memory); }
#endif
