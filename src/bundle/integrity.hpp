// Files of a bundle against what its manifest says of them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "bundle/directory.hpp"

namespace aios::bundle {

// FIPS 180-4.
std::array<uint8_t, 32> sha256(const void* data, std::size_t size);
// The same as 64 lower-case hexadecimal digits.
std::string sha256Hex(const void* data, std::size_t size);

// What the manifest says of one file; `path` is relative to the bundle.
struct FileRecord {
  std::string path;
  uint64_t bytes = 0;
  std::string sha256;
};

// A file as the file system knows it: another one, or one that was written to, differs.
struct FileIdentity {
  dev_t device = 0;
  ino_t inode = 0;
  off_t bytes = 0;
  int64_t written_s = 0, written_ns = 0;

  bool operator==(const FileIdentity& other) const noexcept {
    return device == other.device && inode == other.inode && bytes == other.bytes &&
           written_s == other.written_s && written_ns == other.written_ns;
  }
};

// Throws DataLoss, naming the file, if it is missing, no regular file, of another size or, unless
// only sizes are asked for, of another hash.
FileIdentity checkFile(const Directory& directory, const FileRecord& file, bool sizes_only);

// Throws DataLoss, naming the file, if it isn't the one that was checked or was written to since.
void requireUnchanged(const Directory& directory, const std::string& file,
                      const FileIdentity& checked);

}  // namespace aios::bundle
