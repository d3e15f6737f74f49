#include "server/tls.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <new>
#include <utility>

#include "aios/error.hpp"
#include "server/openssl.hpp"

namespace aios::server {
namespace {

// A record's, and what is around it.
constexpr std::size_t kPieceBytes = (16 << 10) + 512;
// Memory that an idle connection may keep.
constexpr std::size_t kKeptBytes = 64 << 10;
constexpr std::string_view kSessions = "aios";

// A key with a passphrase must not ask for it at the terminal.
int refusePassphrase(char*, int, int, void*) { return -1; }

// The first of ours that the client has; without any, the connection does without.
int chooseProtocol(SSL*, const unsigned char** chosen, unsigned char* size,
                   const unsigned char* offered, unsigned offered_size, void* context) {
  const std::string& ours = *static_cast<const std::string*>(context);
  unsigned char* found = nullptr;
  const int result = OpenSsl::get().SSL_select_next_proto(
      &found, size, reinterpret_cast<const unsigned char*>(ours.data()),
      static_cast<unsigned>(ours.size()), offered, offered_size);
  if (result != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_NOACK;
  *chosen = found;
  return SSL_TLSEXT_ERR_OK;
}

[[noreturn]] void refuseFile(const char* what, const std::string& file) {
  throw Error(ErrorCode::kInvalidArgument,
              std::string(what) + " '" + file + "' doesn't do: " + opensslReason());
}

}  // namespace

TlsContext::TlsContext(const TlsFiles& files, const std::vector<std::string>& protocols)
    : context_(OpenSsl::get().SSL_CTX_new(OpenSsl::get().TLS_server_method()),
               OpenSsl::get().SSL_CTX_free) {
  const OpenSsl& openssl = OpenSsl::get();
  if (context_ == nullptr) throw std::bad_alloc();
  for (const std::string& each : protocols) {
    protocols_->push_back(static_cast<char>(each.size()));
    *protocols_ += each;
  }
  SSL_CTX* const context = context_.get();
  openssl.SSL_CTX_ctrl(context, SSL_CTRL_SET_MIN_PROTO_VERSION, TLS1_2_VERSION, nullptr);
  openssl.SSL_CTX_ctrl(context, SSL_CTRL_MODE, SSL_MODE_RELEASE_BUFFERS, nullptr);
  openssl.SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  openssl.SSL_CTX_set_session_id_context(context,
                                         reinterpret_cast<const unsigned char*>(kSessions.data()),
                                         static_cast<unsigned>(kSessions.size()));
  openssl.SSL_CTX_set_alpn_select_cb(context, chooseProtocol, protocols_.get());
  openssl.SSL_CTX_set_default_passwd_cb(context, refusePassphrase);
  load(files);
}

void TlsContext::load(const TlsFiles& files) {
  const OpenSsl& openssl = OpenSsl::get();
  SSL_CTX* const context = context_.get();
  openssl.ERR_clear_error();
  if (openssl.SSL_CTX_use_certificate_chain_file(context, files.certificate.c_str()) != 1) {
    refuseFile("the certificate", files.certificate);
  }
  if (openssl.SSL_CTX_use_PrivateKey_file(context, files.key.c_str(), SSL_FILETYPE_PEM) != 1 ||
      openssl.SSL_CTX_check_private_key(context) != 1) {
    refuseFile("the certificate's key", files.key);
  }
  if (!files.client_ca.empty()) requireClientCertificates(files.client_ca);
}

void TlsContext::requireClientCertificates(const std::string& file) {
  const OpenSsl& openssl = OpenSsl::get();
  SSL_CTX* const context = context_.get();
  auto* const names = openssl.SSL_load_client_CA_file(file.c_str());
  if (names == nullptr ||
      openssl.SSL_CTX_load_verify_locations(context, file.c_str(), nullptr) != 1) {
    refuseFile("the certificate of clients' authority", file);
  }
  openssl.SSL_CTX_set_client_CA_list(context, names);
  openssl.SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
}

TlsStream::TlsStream(SSL_CTX* context, std::shared_ptr<const std::string> protocols)
    : protocols_(std::move(protocols)), ssl_(OpenSsl::get().SSL_new(context)) {
  const OpenSsl& openssl = OpenSsl::get();
  if (ssl_ == nullptr) throw std::bad_alloc();
  in_ = openssl.BIO_new(openssl.BIO_s_mem());
  out_bio_ = openssl.BIO_new(openssl.BIO_s_mem());
  if (in_ == nullptr || out_bio_ == nullptr) {
    openssl.SSL_free(ssl_);
    throw std::bad_alloc();
  }
  openssl.SSL_set_bio(ssl_, in_, out_bio_);
  openssl.SSL_set_accept_state(ssl_);
}

TlsStream::~TlsStream() { OpenSsl::get().SSL_free(ssl_); }

bool TlsStream::receive(std::string_view bytes, std::string& plain) {
  const OpenSsl& openssl = OpenSsl::get();
  if (broken_) return false;
  openssl.ERR_clear_error();
  openssl.BIO_write(in_, bytes.data(), static_cast<int>(bytes.size()));
  std::array<char, kPieceBytes> piece;
  int count = 0;
  while ((count = openssl.SSL_read(ssl_, piece.data(), piece.size())) > 0) {
    plain.append(piece.data(), static_cast<std::size_t>(count));
  }
  broken_ = openssl.SSL_get_error(ssl_, count) != SSL_ERROR_WANT_READ;
  if (!established_) established_ = openssl.SSL_is_init_finished(ssl_) == 1;
  // Also the reason why it is refused.
  collect();
  return !broken_;
}

bool TlsStream::send(std::string_view plain) {
  const OpenSsl& openssl = OpenSsl::get();
  openssl.ERR_clear_error();
  // A memory BIO takes all.
  while (!plain.empty() && !broken_) {
    const std::string_view piece = plain.substr(0, std::numeric_limits<int>::max());
    const int count = openssl.SSL_write(ssl_, piece.data(), static_cast<int>(piece.size()));
    broken_ = count <= 0;
    plain.remove_prefix(static_cast<std::size_t>(std::max(count, 0)));
  }
  collect();
  return !broken_;
}

void TlsStream::close() {
  if (closed_ || broken_ || !established_) return;
  closed_ = true;
  OpenSsl::get().SSL_shutdown(ssl_);
  collect();
}

// Takes over what OpenSSL has for the network.
void TlsStream::collect() {
  std::array<char, kPieceBytes> piece;
  int count = 0;
  while ((count = OpenSsl::get().BIO_read(out_bio_, piece.data(), piece.size())) > 0) {
    out_.append(piece.data(), static_cast<std::size_t>(count));
  }
}

void TlsStream::sent(std::size_t bytes) {
  sent_ += bytes;
  if (sent_ < out_.size()) return;
  out_.clear();
  if (out_.capacity() > kKeptBytes) std::string().swap(out_);
  sent_ = 0;
}

}  // namespace aios::server
