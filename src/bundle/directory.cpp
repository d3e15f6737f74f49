#include "bundle/directory.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace aios::bundle {
namespace {

namespace fs = std::filesystem;

// Nothing here waits: the other end of a FIFO may never come.
constexpr int kOpen = O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC;

Descriptor openDirectory(const fs::path& path) {
  if (path.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                "path: expected the directory of a bundle, as 'digits.cell', got ''");
  }
  Descriptor opened(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened.isOpen()) return opened;
  const std::string why = std::strerror(errno);
  throw Error(ErrorCode::kNotFound, "no bundle at '" + path.string() + "' (" + why +
                                        "): expected a directory that aios.export() wrote");
}

const char* kindOf(mode_t mode) {
  if (S_ISLNK(mode)) return "a symbolic link";
  if (S_ISDIR(mode)) return "a directory";
  if (S_ISFIFO(mode)) return "a FIFO";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

fs::path throughDescriptor(const Descriptor& directory) {
  return fs::path("/proc/self/fd") / std::to_string(directory.get());
}

bool isSame(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

// Whether the system leads from a descriptor's path to what it has open.
bool isReachable(const Descriptor& directory) {
  struct stat open{}, found{};
  return ::fstat(directory.get(), &open) == 0 &&
         ::stat(throughDescriptor(directory).c_str(), &found) == 0 && isSame(open, found);
}

// Why one part of a path couldn't be opened.
std::string whyNot(int parent, const char* part, int error) {
  struct stat status{};
  if (::fstatat(parent, part, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(status.st_mode)) {
    return "it is reached by a symbolic link";
  }
  return error == ENXIO ? "it isn't a regular file but a socket" : std::strerror(error);
}

}  // namespace

Directory::Directory(const fs::path& path)
    : path_(path),
      descriptor_(openDirectory(path)),
      reached_by_descriptor_(isReachable(descriptor_)) {}

std::optional<Directory> Directory::tryOpen(const fs::path& path) {
  try {
    return Directory(path);
  } catch (const Error&) {
    return std::nullopt;
  }
}

bool Directory::isStillThere() const {
  struct stat open{}, found{};
  return ::fstat(descriptor_.get(), &open) == 0 && ::stat(path_.c_str(), &found) == 0 &&
         isSame(open, found);
}

OpenFile Directory::open(const std::string& file) const {
  Descriptor parent(-1);
  int at = descriptor_.get();
  std::size_t begin = 0;
  for (;;) {
    const std::size_t end = file.find('/', begin);
    const bool last = end == std::string::npos;
    const std::string part = file.substr(begin, end - begin);
    Descriptor opened(::openat(at, part.c_str(), last ? kOpen : kOpen | O_DIRECTORY));
    if (!opened.isOpen()) throwUnreadable(file, whyNot(at, part.c_str(), errno));
    if (last) {
      OpenFile found{std::move(opened), {}};
      if (::fstat(found.descriptor.get(), &found.status) != 0) {
        throwUnreadable(file, std::strerror(errno));
      }
      if (S_ISREG(found.status.st_mode)) return found;
      throwUnreadable(file,
                      std::string("it isn't a regular file but ") + kindOf(found.status.st_mode));
    }
    parent = std::move(opened);
    at = parent.get();
    begin = end + 1;
  }
}

std::string Directory::readSmall(const std::string& file, std::size_t most_bytes) const {
  const OpenFile opened = open(file);
  if (opened.size() > most_bytes) {
    throwUnreadable(file, "it has " + std::to_string(opened.size()) + " bytes, at most " +
                              std::to_string(most_bytes) + " are allowed");
  }
  std::string content(opened.size(), '\0');
  readInto(*this, file, opened, content.data(), content.size());
  return content;
}

fs::path Directory::reach(const std::string& file) const {
  return (reached_by_descriptor_ ? throughDescriptor(descriptor_) : path_) / file;
}

void Directory::throwUnreadable(const std::string& file, const std::string& why) const {
  throw Error(ErrorCode::kDataLoss, "bundle file '" + file + "' in '" + path_.string() +
                                        "' can't be read: " + why + "; export the bundle again");
}

void readInto(const Directory& directory, const std::string& name, const OpenFile& file,
              void* target, std::size_t size) {
  auto* bytes = static_cast<char*>(target);
  std::size_t done = 0;
  while (done < size) {
    const ssize_t got =
        ::pread(file.descriptor.get(), bytes + done, size - done, static_cast<off_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) directory.throwUnreadable(name, std::strerror(errno));
    if (got == 0) directory.throwUnreadable(name, "it was cut while it was read");
    done += static_cast<std::size_t>(got);
  }
}

}  // namespace aios::bundle
