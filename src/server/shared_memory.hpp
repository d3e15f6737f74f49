// Named pieces of POSIX shared memory in which clients of this machine leave tensors, and find
// answers: KServe v2's system shared memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "server/sockets.hpp"

namespace aios::server {

// A piece as clients name it; `key` is what shm_open() takes.
struct RegionInfo {
  std::string name;
  std::string key;
  uint64_t offset = 0;
  uint64_t bytes = 0;
};

// What is in it may change at any moment, and its file may shrink: so it is never mapped, but read
// and written as a file, once, into memory that is the server's own. Safe from any thread.
class Region {
 public:
  // Throws InvalidArgument for a key that is none, or a piece that isn't in its file.
  explicit Region(RegionInfo info);

  const RegionInfo& info() const noexcept { return info_; }
  // Bytes from an offset in the piece. Throws InvalidArgument where they aren't all in it.
  std::string read(uint64_t offset, uint64_t bytes) const;
  void write(uint64_t offset, std::string_view bytes) const;

 private:
  void require(uint64_t offset, uint64_t bytes) const;

  const RegionInfo info_;
  Descriptor file_;
};

// Safe from any thread.
class SharedMemory {
 public:
  static constexpr std::size_t kMostRegions = 4096;

  // Throws InvalidArgument as Region(), and for a name that is taken.
  void add(RegionInfo info);
  // Of no effect where there is none of that name.
  void remove(std::string_view name);
  void clear();
  // By their names.
  std::vector<RegionInfo> list() const;
  // Throws InvalidArgument where there is none.
  std::shared_ptr<const Region> find(std::string_view name) const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const Region>, std::less<>> regions_;
};

}  // namespace aios::server
