#include "bundle/file_content.hpp"

#include <sys/mman.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

namespace aios::bundle {
namespace {

constexpr std::size_t kPage = 4096, kLargePage = 2 << 20, kManyBytes = 4 << 20;
constexpr std::size_t kSmallBytes = 64 << 20;

}  // namespace

void FileContent::Release::operator()(std::byte* memory) const noexcept {
  if (mapped_bytes != 0) {
    ::munmap(memory, mapped_bytes);
  } else {
    std::free(memory);
  }
}

FileContent::Memory FileContent::allocate(std::size_t size) {
  const std::size_t page = size < kManyBytes ? kPage : kLargePage;
  const std::size_t bytes = (size / page + 1) * page;
  auto* memory = static_cast<std::byte*>(std::aligned_alloc(page, bytes));
  if (memory == nullptr) throw std::bad_alloc();
#if defined(MADV_HUGEPAGE)
  if (page == kLargePage) ::madvise(memory, bytes, MADV_HUGEPAGE);
#endif
  return Memory(memory, Release{});
}

FileContent FileContent::copyOf(const Directory& directory, const std::string& file,
                                const OpenFile& opened) {
  Memory memory = allocate(opened.size());
  readInto(directory, file, opened, memory.get(), opened.size());
  return {std::move(memory), opened.size()};
}

FileContent FileContent::copied(const Directory& directory, const std::string& file) {
  return copyOf(directory, file, directory.open(file));
}

FileContent FileContent::forReading(const Directory& directory, const std::string& file) {
  const OpenFile opened = directory.open(file);
  if (opened.size() <= kSmallBytes) return copyOf(directory, file, opened);
  void* memory = ::mmap(nullptr, opened.size(), PROT_READ, MAP_PRIVATE, opened.descriptor.get(), 0);
  if (memory == MAP_FAILED) directory.throwUnreadable(file, std::strerror(errno));
  return {Memory(static_cast<std::byte*>(memory), Release{opened.size()}), opened.size()};
}

}  // namespace aios::bundle
