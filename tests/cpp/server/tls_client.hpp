// A client of TLS in memory, with OpenSSL as it is found.
#pragma once

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>

#include "aios/error.hpp"
#include "server/openssl.hpp"

namespace aios::server {

inline bool hasOpenSsl() {
  try {
    OpenSsl::get();
    return true;
  } catch (const Error&) {
    return false;
  }
}

#define AIOS_NEEDS_OPENSSL() \
  if (!hasOpenSsl()) GTEST_SKIP() << "there is no libssl here: install OpenSSL"

// A function that the server has no use for.
template <typename Function>
Function opensslFunction(const char* name) {
  for (const char* const library : {"libssl.so.3", "libssl.so.1.1"}) {
    void* const opened = ::dlopen(library, RTLD_NOW);
    if (opened != nullptr) return reinterpret_cast<Function>(::dlsym(opened, name));
  }
  return nullptr;
}
#define AIOS_OPENSSL(name) opensslFunction<decltype(&::name)>(#name)

class TlsClient {
 public:
  // `version` is the only one that it speaks; 0: any.
  explicit TlsClient(int version = 0)
      : context_(tls_.SSL_CTX_new(AIOS_OPENSSL(TLS_client_method)()), tls_.SSL_CTX_free) {
    if (version != 0) {
      tls_.SSL_CTX_ctrl(context_.get(), SSL_CTRL_SET_MAX_PROTO_VERSION, version, nullptr);
    }
    ssl_ = tls_.SSL_new(context_.get());
    in_ = tls_.BIO_new(tls_.BIO_s_mem());
    out_ = tls_.BIO_new(tls_.BIO_s_mem());
    tls_.SSL_set_bio(ssl_, in_, out_);
    AIOS_OPENSSL(SSL_set_connect_state)(ssl_);
    constexpr std::string_view kProtocols = "\x02h2\x08http/1.1";
    AIOS_OPENSSL(SSL_set_alpn_protos)
    (ssl_, reinterpret_cast<const unsigned char*>(kProtocols.data()), kProtocols.size());
  }
  ~TlsClient() { tls_.SSL_free(ssl_); }
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  void shakeHands() { tls_.SSL_do_handshake(ssl_); }
  void write(std::string_view text) {
    tls_.SSL_write(ssl_, text.data(), static_cast<int>(text.size()));
  }
  void receive(std::string_view bytes) {
    tls_.BIO_write(in_, bytes.data(), static_cast<int>(bytes.size()));
  }
  // What it has for the server.
  std::string output() {
    std::string bytes;
    char piece[4096];
    int count = 0;
    while ((count = tls_.BIO_read(out_, &piece[0], sizeof piece)) > 0) {
      bytes.append(&piece[0], static_cast<std::size_t>(count));
    }
    return bytes;
  }
  // What the server said so far.
  std::string read() {
    std::string text;
    char piece[4096];
    int count = 0;
    while ((count = tls_.SSL_read(ssl_, &piece[0], sizeof piece)) > 0) {
      text.append(&piece[0], static_cast<std::size_t>(count));
    }
    was_told_of_end_ = tls_.SSL_get_error(ssl_, count) == SSL_ERROR_ZERO_RETURN;
    return text;
  }
  bool wasToldOfEnd() const { return was_told_of_end_; }
  std::string protocol() const {
    const unsigned char* name = nullptr;
    unsigned size = 0;
    AIOS_OPENSSL(SSL_get0_alpn_selected)(ssl_, &name, &size);
    return {reinterpret_cast<const char*>(name), size};
  }
  std::string version() const { return AIOS_OPENSSL(SSL_get_version)(ssl_); }

 private:
  const OpenSsl& tls_ = OpenSsl::get();
  std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context_;
  SSL* ssl_ = nullptr;
  BIO* in_ = nullptr;
  BIO* out_ = nullptr;
  bool was_told_of_end_ = false;
};

}  // namespace aios::server
