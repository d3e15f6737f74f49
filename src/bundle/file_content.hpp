// What a file of a bundle holds, in memory.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "bundle/directory.hpp"

namespace aios::bundle {

// Read-only, page-aligned. Throws DataLoss, naming the file, if it can't be read.
class FileContent {
 public:
  // A copy, which stays what it is whatever becomes of the file: for as long as an engine serves.
  // Large ones lie in large pages where the system has those: in small ones, calls of an engine
  // miss the processor's table of pages.
  static FileContent copied(const Directory& directory, const std::string& file);
  // For a moment: a copy of a small file, else the file's own pages. Those change with the file,
  // and reading what was cut off ends the process.
  static FileContent forReading(const Directory& directory, const std::string& file);

  const std::byte* data() const noexcept { return memory_.get(); }
  std::size_t size() const noexcept { return size_; }
  std::string_view text() const noexcept {
    return {reinterpret_cast<const char*>(memory_.get()), size_};
  }

 private:
  struct Release {
    std::size_t mapped_bytes = 0;  // 0: allocated
    void operator()(std::byte* memory) const noexcept;
  };
  using Memory = std::unique_ptr<std::byte, Release>;
  FileContent(Memory memory, std::size_t size) : memory_(std::move(memory)), size_(size) {}
  static Memory allocate(std::size_t size);
  static FileContent copyOf(const Directory& directory, const std::string& file,
                            const OpenFile& opened);

  Memory memory_;
  std::size_t size_;
};

}  // namespace aios::bundle
