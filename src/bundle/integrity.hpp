// Files of a bundle: read whole, mapped, hashed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "aios/tensor.hpp"

namespace aios::bundle {

// A file mapped read-only; the mapping lives as long as this object. Throws DataLoss, naming the
// file, if it can't be opened or isn't a regular file.
class MappedFile {
 public:
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  MappedFile& operator=(MappedFile&&) = delete;

  const std::byte* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }
  std::string_view text() const noexcept { return {reinterpret_cast<const char*>(data_), size_}; }

 private:
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

// 64 lower-case hexadecimal digits (FIPS 180-4).
std::string sha256Hex(const void* data, std::size_t size);

// What the manifest says of one file; `path` is relative to the bundle.
struct FileRecord {
  std::string path;
  uint64_t bytes = 0;
  std::string sha256;
};

// Throws DataLoss, naming the file, if it is missing, of another size or, unless only sizes are
// asked for, of another hash.
void checkFile(const std::filesystem::path& bundle, const FileRecord& file, bool sizes_only);

}  // namespace aios::bundle
