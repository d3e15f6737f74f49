// Listening in the file system.
#pragma once

#include <sys/types.h>

#include <string>

#include "server/sockets.hpp"

namespace aios::server {

// A socket's file, which goes with it, unless another one was put in its place.
class SocketFile {
 public:
  // Of the file that is there.
  explicit SocketFile(std::string path);
  ~SocketFile();
  SocketFile(SocketFile&& other) noexcept;
  SocketFile& operator=(SocketFile&&) = delete;

  // Leaves the file to whoever else has it.
  void release() noexcept { path_.clear(); }

 private:
  std::string path_;  // empty: nothing to remove
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

struct UnixListener {
  Descriptor socket;
  SocketFile file;
};

// Listens at a path, which those can connect to whom `mode`, as 0600, lets write. A socket that
// nobody listens at any more is replaced, in one step. Throws InvalidArgument for a path that is
// too long; FailedPrecondition where somebody listens there, or something else is there.
UnixListener listenAtPath(const std::string& path, mode_t mode);

}  // namespace aios::server
