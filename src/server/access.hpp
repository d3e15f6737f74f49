// Who may ask a server for what: by bearer tokens, and without any by where a client is.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/protocol/grpc.hpp"
#include "server/protocol/http1.hpp"
#include "server/sockets.hpp"

namespace aios::server {

// What a request needs, and what its client has: each has what is before it.
enum class Scope { kOpen, kInfer, kAdmin };
const char* name(Scope scope) noexcept;

// A token at rest; the text itself has 256 random bits, so that a plain hash can't be guessed.
struct HashedToken {
  std::array<uint8_t, 32> sha256{};
  Scope scope = Scope::kInfer;
};
// Of 64 hexadecimal digits and the name of a scope. Throws InvalidArgument.
HashedToken hashedToken(const std::string& sha256, const std::string& scope);

// Immutable; replaced as a whole.
class AccessPolicy {
 public:
  // Without tokens: clients of this machine may do all, others may call models.
  AccessPolicy() = default;
  // Only who has one of these tokens may do anything.
  explicit AccessPolicy(std::vector<HashedToken> tokens)
      : needs_token_(true), tokens_(std::move(tokens)) {}

  bool needsToken() const noexcept { return needs_token_; }
  // Whether a request may call models.
  bool mayInfer(std::string_view authorization) const;
  // What a request may do. Without tokens, what comes from this machine by a proxy, or by a page of
  // somebody else's in a browser, may call models only.
  Scope granted(const protocol::HttpRequest& request, const Peer& peer) const;
  // The same of a call by gRPC, which browsers' pages can't make.
  Scope granted(const protocol::GrpcRequest& request, const Peer& peer) const;

 private:
  Scope granted(std::string_view authorization, const Peer& peer) const;
  Scope ofToken(std::string_view authorization) const;

  bool needs_token_ = false;
  std::vector<HashedToken> tokens_;
};

// The answer to a request without a token that is known: 401.
protocol::HttpAnswer tokenNeeded();

}  // namespace aios::server
