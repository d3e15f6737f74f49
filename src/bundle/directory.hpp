// A bundle's directory, opened once: whatever is then put at its path, its files are of one bundle.
#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>

#include "aios/error.hpp"
#include "core/descriptor.hpp"

namespace aios::bundle {

// A file that was there when it was opened.
struct OpenFile {
  Descriptor descriptor;
  struct stat status;

  std::size_t size() const noexcept { return static_cast<std::size_t>(status.st_size); }
};

class Directory {
 public:
  // Throws InvalidArgument for an empty path, NotFound if it isn't a directory that can be opened.
  explicit Directory(const std::filesystem::path& path);

  // None where it can't be opened.
  static std::optional<Directory> tryOpen(const std::filesystem::path& path);

  // As it was given, for messages.
  const std::filesystem::path& path() const noexcept { return path_; }
  // Whether the path still leads to this directory.
  bool isStillThere() const;

  // Opens a regular file; `file` is relative. Throws DataLoss, naming it, if it isn't one (a FIFO,
  // a device, a directory), can't be opened, or is reached by a symbolic link below the directory.
  OpenFile open(const std::string& file) const;
  // The content of a file of at most so many bytes; a larger one is DataLoss.
  std::string readSmall(const std::string& file, std::size_t most_bytes) const;
  // A path for libraries that open files themselves, through this descriptor where the system has
  // such paths. `file` was opened, or a file in it was, so that no link is on the way.
  std::filesystem::path reach(const std::string& file) const;

  [[noreturn]] void throwUnreadable(const std::string& file, const std::string& why) const;

 private:
  std::filesystem::path path_;
  Descriptor descriptor_;
  bool reached_by_descriptor_;
};

// Reads `size` bytes from the file's start. Throws DataLoss if it has fewer.
void readInto(const Directory& directory, const std::string& name, const OpenFile& file,
              void* target, std::size_t size);

// Gives what `load` gives; calls it again where the path has got another directory meanwhile: files
// of a bundle that is replaced while it is read are gone before they were opened.
template <typename Load>
auto thoughReplaced(const std::filesystem::path& path, const Load& load) {
  constexpr int kMostAttempts = 100;
  for (int attempt = 1;; ++attempt) {
    // Kept open, so that nothing else gets its identity.
    const std::optional<Directory> before = Directory::tryOpen(path);
    try {
      return load();
    } catch (const Error&) {
      if (!before || before->isStillThere() || attempt == kMostAttempts) throw;
    }
  }
}

}  // namespace aios::bundle
