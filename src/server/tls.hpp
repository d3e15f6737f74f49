// TLS without a socket: what comes from the network in, what goes there out.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct bio_st;
struct ssl_ctx_st;
struct ssl_st;

namespace aios::server {

// Files in PEM: a certificate with those that lead to a known one, its key, and the certificates
// that clients' must come from; that one empty where clients need none.
struct TlsFiles {
  std::string certificate;
  std::string key;
  std::string client_ca;
};

// One client's TLS, 1.2 or 1.3. For one thread at a time.
class TlsStream {
 public:
  // `protocols` are what the context offers, for as long as the handshake may need them.
  TlsStream(ssl_ctx_st* context, std::shared_ptr<const std::string> protocols);
  ~TlsStream();
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  // Bytes of the client; appends what they say. False once nothing more comes: the client ended
  // the connection, or what it sent isn't TLS. There may be output all the same.
  bool receive(std::string_view bytes, std::string& plain);
  // Encrypts; only once it is established. False where that is impossible.
  bool send(std::string_view plain);
  // Tells the client that this is all.
  void close();

  // What the client has to be sent, and that so many bytes of it were.
  std::string_view output() const noexcept { return std::string_view(out_).substr(sent_); }
  void sent(std::size_t bytes);
  // Whether the handshake is done.
  bool isEstablished() const noexcept { return established_; }

 private:
  void collect();

  const std::shared_ptr<const std::string> protocols_;
  ssl_st* const ssl_;
  bio_st* in_ = nullptr;  // owned by ssl_
  bio_st* out_bio_ = nullptr;
  std::string out_;
  std::size_t sent_ = 0;
  bool established_ = false;
  bool broken_ = false;
  bool closed_ = false;
};

// A certificate, and what is agreed on with clients. Immutable, for any thread.
class TlsContext {
 public:
  // `protocols` are told to clients that ask (ALPN), the preferred one first. Throws
  // InvalidArgument, with OpenSSL's reason, for files that don't do; Unsupported without OpenSSL.
  TlsContext(const TlsFiles& files, const std::vector<std::string>& protocols);
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  // The stream may outlive the context, as where the certificate is replaced.
  std::unique_ptr<TlsStream> accept() const {
    return std::make_unique<TlsStream>(context_.get(), protocols_);
  }

 private:
  void load(const TlsFiles& files);
  void requireClientCertificates(const std::string& file);

  // As in the extension: each after its length.
  const std::shared_ptr<std::string> protocols_ = std::make_shared<std::string>();
  std::unique_ptr<ssl_ctx_st, void (*)(ssl_ctx_st*)> context_;
};

}  // namespace aios::server
