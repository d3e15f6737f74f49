#include "server/shared_memory.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "aios/error.hpp"

namespace aios::server {
namespace {

constexpr std::size_t kLongestName = 255;

[[noreturn]] void refuse(const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument, message);
}

std::string inQuotes(std::string_view text) { return "'" + std::string(text) + "'"; }

// A name without a path: with one, it could be any file.
bool isKey(std::string_view key) {
  if (!key.empty() && key.front() == '/') key.remove_prefix(1);
  return !key.empty() && key.size() <= kLongestName && key != "." && key != ".." &&
         key.find('/') == std::string_view::npos && key.find('\0') == std::string_view::npos;
}

Descriptor openKey(const RegionInfo& info) {
  if (!isKey(info.key)) {
    refuse("shared memory region " + inQuotes(info.name) + ": expected a key as '/name', got " +
           inQuotes(info.key));
  }
  // It follows no link.
  Descriptor file(::shm_open(info.key.c_str(), O_RDWR, 0));
  struct stat status{};
  if (!file || ::fstat(file.value(), &status) != 0) {
    refuse("Unable to open shared memory region " + inQuotes(info.name) + " with key " +
           inQuotes(info.key) + ": " + std::generic_category().message(errno));
  }
  const auto size = static_cast<uint64_t>(status.st_size);
  const bool is_inside = info.offset <= size && info.bytes <= size - info.offset;
  if (!S_ISREG(status.st_mode) || info.bytes == 0 || !is_inside) {
    refuse("shared memory region " + inQuotes(info.name) +
           ": expected at least a byte, and all in "
           "the " +
           std::to_string(size) + " bytes of " + inQuotes(info.key) + ", got offset " +
           std::to_string(info.offset) + " and byte_size " + std::to_string(info.bytes));
  }
  return file;
}

}  // namespace

Region::Region(RegionInfo info) : info_(std::move(info)), file_(openKey(info_)) {}

void Region::require(uint64_t offset, uint64_t bytes) const {
  if (offset <= info_.bytes && bytes <= info_.bytes - offset) return;
  refuse("Invalid offset + byte size for shared memory region: " + inQuotes(info_.name));
}

std::string Region::read(uint64_t offset, uint64_t bytes) const {
  require(offset, bytes);
  std::string content(bytes, '\0');
  std::size_t done = 0;
  while (done < content.size()) {
    const ssize_t got = ::pread(file_.value(), content.data() + done, content.size() - done,
                                static_cast<off_t>(info_.offset + offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) refuse("shared memory region " + inQuotes(info_.name) + " was cut");
    done += static_cast<std::size_t>(got);
  }
  return content;
}

void Region::write(uint64_t offset, std::string_view bytes) const {
  require(offset, bytes.size());
  while (!bytes.empty()) {
    const ssize_t put = ::pwrite(file_.value(), bytes.data(), bytes.size(),
                                 static_cast<off_t>(info_.offset + offset));
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) refuse("shared memory region " + inQuotes(info_.name) + " can't be written to");
    bytes.remove_prefix(static_cast<std::size_t>(put));
    offset += static_cast<uint64_t>(put);
  }
}

void SharedMemory::add(RegionInfo info) {
  if (info.name.empty() || info.name.size() > kLongestName) {
    refuse("shared memory region: expected a name of 1 to " + std::to_string(kLongestName) +
           " bytes");
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  if (regions_.count(info.name) != 0) {
    refuse("shared memory region " + inQuotes(info.name) + " already in manager");
  }
  if (regions_.size() >= kMostRegions) {
    throw Error(ErrorCode::kOverloaded, "too many shared memory regions; unregister some");
  }
  std::string name = info.name;
  regions_.emplace(std::move(name), std::make_shared<const Region>(std::move(info)));
}

void SharedMemory::remove(std::string_view name) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = regions_.find(name);
  if (found != regions_.end()) regions_.erase(found);
}

void SharedMemory::clear() {
  const std::lock_guard<std::mutex> lock(mutex_);
  regions_.clear();
}

std::vector<RegionInfo> SharedMemory::list() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::vector<RegionInfo> regions;
  for (const auto& [name, region] : regions_) regions.push_back(region->info());
  return regions;
}

std::shared_ptr<const Region> SharedMemory::find(std::string_view name) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = regions_.find(name);
  if (found != regions_.end()) return found->second;
  refuse("Unable to find shared memory region: " + inQuotes(name));
}

}  // namespace aios::server
