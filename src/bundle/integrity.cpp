#include "bundle/integrity.hpp"

// OpenSSL's low-level API: linked statically it is small, where the EVP layer (and the one-shot
// SHA256(), which calls it) brings 4 MB of libcrypto (docs/decisions/sha256.md).
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "aios/error.hpp"

namespace aios::bundle {
namespace {

class Sha256 {
 public:
  Sha256() { SHA256_Init(&context_); }
  void add(const void* data, std::size_t size) { SHA256_Update(&context_, data, size); }
  std::array<uint8_t, SHA256_DIGEST_LENGTH> digest() {
    std::array<uint8_t, SHA256_DIGEST_LENGTH> digest{};
    SHA256_Final(digest.data(), &context_);
    return digest;
  }
  std::string hex() {
    const std::array<uint8_t, SHA256_DIGEST_LENGTH> digest = this->digest();
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    text.reserve(2 * digest.size());
    for (const unsigned char byte : digest) {
      text += kDigits[byte >> 4];
      text += kDigits[byte & 15];
    }
    return text;
  }

 private:
  SHA256_CTX context_;
};

// Read, not mapped: a file that is cut meanwhile is an error, and memory stays small.
std::string hashOf(const Directory& directory, const std::string& name, const OpenFile& file) {
  std::vector<char> piece(std::size_t{1} << 18);
  Sha256 hash;
  for (std::size_t left = file.size(); left != 0;) {
    const ssize_t got = ::read(file.descriptor.get(), piece.data(), std::min(left, piece.size()));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) directory.throwUnreadable(name, std::strerror(errno));
    if (got == 0) directory.throwUnreadable(name, "it was cut while it was read");
    hash.add(piece.data(), static_cast<std::size_t>(got));
    left -= static_cast<std::size_t>(got);
  }
  return hash.hex();
}

[[noreturn]] void throwAnother(const Directory& directory, const std::string& file,
                               const std::string& what) {
  throw Error(ErrorCode::kDataLoss,
              "bundle file '" + file + "' in '" + directory.path().string() + "': " + what);
}

FileIdentity identityOf(const OpenFile& file) {
  const struct stat& status = file.status;
  return {status.st_dev, status.st_ino, status.st_size, status.st_mtim.tv_sec,
          status.st_mtim.tv_nsec};
}

}  // namespace

std::array<uint8_t, 32> sha256(const void* data, std::size_t size) {
  Sha256 hash;
  hash.add(data, size);
  return hash.digest();
}

std::string sha256Hex(const void* data, std::size_t size) {
  Sha256 hash;
  hash.add(data, size);
  return hash.hex();
}

FileIdentity checkFile(const Directory& directory, const FileRecord& file, bool sizes_only) {
  const OpenFile opened = directory.open(file.path);
  if (opened.size() != file.bytes) {
    throwAnother(directory, file.path,
                 "expected " + std::to_string(file.bytes) + " bytes, got " +
                     std::to_string(opened.size()) + "; export the bundle again");
  }
  if (sizes_only) return identityOf(opened);
  const std::string digest = hashOf(directory, file.path, opened);
  if (digest != file.sha256) {
    throwAnother(
        directory, file.path,
        "expected SHA-256 " + file.sha256 + ", got " + digest + "; export the bundle again");
  }
  return identityOf(opened);
}

void requireUnchanged(const Directory& directory, const std::string& file,
                      const FileIdentity& checked) {
  if (identityOf(directory.open(file)) == checked) return;
  throwAnother(directory, file,
               "it was written to after it had been checked; load the bundle again, and replace "
               "bundles instead of editing them");
}

}  // namespace aios::bundle
