#include "bundle/integrity.hpp"

// OpenSSL's low-level API: linked statically it is small, where the EVP layer (and the one-shot
// SHA256(), which calls it) brings 4 MB of libcrypto (docs/decisions/sha256.md).
#define OPENSSL_SUPPRESS_DEPRECATED
#include <fcntl.h>
#include <openssl/sha.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "aios/error.hpp"

namespace aios::bundle {
namespace {

// Closes a file descriptor at the end of a scope.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

[[noreturn]] void throwUnreadable(const std::filesystem::path& path, const std::string& why) {
  throw Error(ErrorCode::kDataLoss,
              "bundle file '" + path.string() + "' can't be read: " + why + "; export it again");
}

}  // namespace

MappedFile::MappedFile(const std::filesystem::path& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) throwUnreadable(path, std::strerror(errno));
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) throwUnreadable(path, std::strerror(errno));
  if (!S_ISREG(status.st_mode)) throwUnreadable(path, "it isn't a regular file");
  size_ = static_cast<std::size_t>(status.st_size);
  if (size_ == 0) return;
  void* memory = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (memory == MAP_FAILED) throwUnreadable(path, std::strerror(errno));
  data_ = static_cast<const std::byte*>(memory);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

std::string sha256Hex(const void* data, std::size_t size) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256_CTX context;
  SHA256_Init(&context);
  SHA256_Update(&context, data, size);
  SHA256_Final(digest.data(), &context);
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  hex.reserve(2 * digest.size());
  for (const unsigned char byte : digest) {
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  return hex;
}

void checkFile(const std::filesystem::path& bundle, const FileRecord& file, bool sizes_only) {
  const MappedFile content(bundle / file.path);
  if (content.size() != file.bytes) {
    throw Error(ErrorCode::kDataLoss, "bundle file '" + file.path + "' in '" + bundle.string() +
                                          "': expected " + std::to_string(file.bytes) +
                                          " bytes, got " + std::to_string(content.size()) +
                                          "; export the bundle again");
  }
  if (sizes_only) return;
  const std::string digest = sha256Hex(content.data(), content.size());
  if (digest != file.sha256) {
    throw Error(ErrorCode::kDataLoss, "bundle file '" + file.path + "' in '" + bundle.string() +
                                          "': expected SHA-256 " + file.sha256 + ", got " + digest +
                                          "; export the bundle again");
  }
}

}  // namespace aios::bundle
