#include "server/unix_socket.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <system_error>
#include <utility>

#include "aios/error.hpp"

namespace aios::server {
namespace {

constexpr int kBacklog = 1024;
// Of the path: what a socket's address holds, less what the temporary name adds.
constexpr std::size_t kLongestPath = sizeof(sockaddr_un::sun_path) - 1 - 12;

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
  throw Error(ErrorCode::kFailedPrecondition, "can't listen at 'unix:" + path + "': " + why);
}

std::string reason() { return std::generic_category().message(errno); }

sockaddr_un addressOf(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(&address.sun_path[0], path.c_str(), path.size());
  return address;
}

Descriptor newSocket() {
  return Descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

// Throws unless nothing is there, or a socket that nobody listens at.
void requireFree(const std::string& path) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return;
    refuse(path, reason());
  }
  if (!S_ISSOCK(status.st_mode)) refuse(path, "a file that is no socket is there; move it away");
  const Descriptor probe = newSocket();
  const sockaddr_un address = addressOf(path);
  const bool is_answered =
      ::connect(probe.value(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  if (!is_answered && errno == ECONNREFUSED) return;
  refuse(path,
         is_answered || errno == EAGAIN ? "another server listens there; end it first" : reason());
}

}  // namespace

SocketFile::SocketFile(std::string path) : path_(std::move(path)) {
  struct stat status{};
  if (::lstat(path_.c_str(), &status) != 0) path_.clear();
  device_ = status.st_dev;
  inode_ = status.st_ino;
}

SocketFile::SocketFile(SocketFile&& other) noexcept
    : path_(std::exchange(other.path_, "")), device_(other.device_), inode_(other.inode_) {}

SocketFile::~SocketFile() {
  struct stat status{};
  if (path_.empty() || ::lstat(path_.c_str(), &status) != 0) return;
  if (status.st_dev == device_ && status.st_ino == inode_) ::unlink(path_.c_str());
}

UnixListener listenAtPath(const std::string& path, mode_t mode) {
  if (path.empty() || path.size() > kLongestPath || path.find('\0') != std::string::npos) {
    throw Error(ErrorCode::kInvalidArgument, "unix socket: expected a path of 1 to " +
                                                 std::to_string(kLongestPath) + " bytes, got '" +
                                                 path + "'");
  }
  requireFree(path);
  const std::string temporary = path + "." + std::to_string(::getpid());
  ::unlink(temporary.c_str());
  Descriptor listener = newSocket();
  const sockaddr_un address = addressOf(temporary);
  // Never open to more than `mode` lets in, not for a moment; chmod then undoes the umask.
  if (!listener || ::fchmod(listener.value(), mode) != 0 ||
      ::bind(listener.value(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    refuse(path, reason());
  }
  SocketFile unfinished(temporary);
  if (::chmod(temporary.c_str(), mode) != 0 || ::listen(listener.value(), kBacklog) != 0 ||
      std::rename(temporary.c_str(), path.c_str()) != 0) {
    refuse(path, reason());
  }
  unfinished.release();
  return {std::move(listener), SocketFile(path)};
}

}  // namespace aios::server
