#include "server/ed25519.hpp"

#include <memory>

#include "aios/error.hpp"
#include "server/openssl.hpp"

namespace aios::server::ed25519 {
namespace {

constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kSignatureBytes = 64;

using Key = std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)>;
using Context = std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)>;

const unsigned char* bytesOf(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytesOf(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

[[noreturn]] void fail() {
  throw Error(ErrorCode::kInternal, "Ed25519 failed: " + opensslReason());
}

template <typename Make>
Key keyOf(Make make, std::string_view bytes) {
  if (bytes.size() != kKeyBytes) {
    throw Error(ErrorCode::kInvalidArgument,
                "an Ed25519 key: expected 32 bytes, got " + std::to_string(bytes.size()));
  }
  Key key(make(EVP_PKEY_ED25519, nullptr, bytesOf(bytes), bytes.size()),
          OpenSsl::get().EVP_PKEY_free);
  if (key == nullptr) fail();
  return key;
}

Context newContext() {
  Context context(OpenSsl::get().EVP_MD_CTX_new(), OpenSsl::get().EVP_MD_CTX_free);
  if (context == nullptr) fail();
  return context;
}

}  // namespace

std::string publicKey(std::string_view secret) {
  const OpenSsl& openssl = OpenSsl::get();
  const Key key = keyOf(openssl.EVP_PKEY_new_raw_private_key, secret);
  std::string found(kKeyBytes, '\0');
  std::size_t size = found.size();
  if (openssl.EVP_PKEY_get_raw_public_key(key.get(), bytesOf(found), &size) != 1) fail();
  return found;
}

std::string sign(std::string_view secret, std::string_view message) {
  const OpenSsl& openssl = OpenSsl::get();
  const Key key = keyOf(openssl.EVP_PKEY_new_raw_private_key, secret);
  const Context context = newContext();
  std::string signature(kSignatureBytes, '\0');
  std::size_t size = signature.size();
  if (openssl.EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key.get()) != 1 ||
      openssl.EVP_DigestSign(context.get(), bytesOf(signature), &size, bytesOf(message),
                             message.size()) != 1) {
    fail();
  }
  return signature;
}

bool verify(std::string_view public_key, std::string_view message, std::string_view signature) {
  const OpenSsl& openssl = OpenSsl::get();
  const Key key = keyOf(openssl.EVP_PKEY_new_raw_public_key, public_key);
  const Context context = newContext();
  if (openssl.EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) != 1) {
    fail();
  }
  const bool is_right =
      signature.size() == kSignatureBytes &&
      openssl.EVP_DigestVerify(context.get(), bytesOf(signature), signature.size(),
                               bytesOf(message), message.size()) == 1;
  openssl.ERR_clear_error();
  return is_right;
}

}  // namespace aios::server::ed25519
