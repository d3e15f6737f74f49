#include "server/access.hpp"

#include <algorithm>
#include <charconv>

#include "aios/error.hpp"
#include "bundle/integrity.hpp"

namespace aios::server {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

// What follows "Bearer "; empty if another scheme does.
std::string_view bearerToken(std::string_view authorization) {
  constexpr std::string_view kScheme = "bearer ";
  const bool is_bearer =
      authorization.size() > kScheme.size() &&
      std::equal(kScheme.begin(), kScheme.end(), authorization.begin(),
                 [](char expected, char given) { return expected == lower(given); });
  if (!is_bearer) return {};
  authorization.remove_prefix(kScheme.size());
  while (!authorization.empty() && authorization.front() == ' ') authorization.remove_prefix(1);
  return authorization;
}

// In a time that doesn't depend on where they differ.
bool equal(const std::array<uint8_t, 32>& a, const std::array<uint8_t, 32>& b) {
  unsigned difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) difference |= static_cast<unsigned>(a[i] ^ b[i]);
  return difference == 0;
}

// Without the port.
std::string_view nameOf(std::string_view host) {
  if (!host.empty() && host.front() == '[') {
    const std::size_t end = host.find(']');
    return host.substr(0, end == std::string_view::npos ? end : end + 1);
  }
  return host.substr(0, host.find(':'));
}

// An address or this machine's own name, which no DNS of somebody else's can lead here.
bool isAddressed(std::string_view host) {
  const std::string_view name = nameOf(host);
  if (name.empty() || name == "localhost" || name.front() == '[') return true;
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return c == '.' || (c >= '0' && c <= '9'); });
}

// Whether no page of another server's asks: browsers say whose page it is.
bool isOwnPage(std::string_view origin, std::string_view host) {
  if (origin.empty()) return true;
  const std::size_t scheme = origin.find("://");
  return scheme != std::string_view::npos && origin.substr(scheme + 3) == host;
}

}  // namespace

const char* name(Scope scope) noexcept {
  switch (scope) {
    case Scope::kOpen:
      return "open";
    case Scope::kInfer:
      return "infer";
    default:
      return "admin";
  }
}

HashedToken hashedToken(const std::string& sha256, const std::string& scope) {
  HashedToken token;
  bool is_hash = sha256.size() == 2 * token.sha256.size();
  for (std::size_t i = 0; is_hash && i < token.sha256.size(); ++i) {
    const char* const digits = sha256.data() + 2 * i;
    const auto [stop, error] = std::from_chars(digits, digits + 2, token.sha256[i], 16);
    is_hash = error == std::errc() && stop == digits + 2;
  }
  token.scope = scope == name(Scope::kAdmin) ? Scope::kAdmin : Scope::kInfer;
  if (is_hash && scope == name(token.scope)) return token;
  throw Error(ErrorCode::kInvalidArgument,
              "a token: expected 64 hexadecimal digits and a scope, infer or admin, got '" +
                  sha256 + "' and '" + scope + "'");
}

bool AccessPolicy::mayInfer(std::string_view authorization) const {
  return !needs_token_ || ofToken(authorization) >= Scope::kInfer;
}

Scope AccessPolicy::granted(const protocol::HttpRequest& request, const Peer& peer) const {
  const Scope scope = granted(request.authorization, peer);
  const bool is_direct = request.forwarded.empty() && isAddressed(request.host) &&
                         isOwnPage(request.origin, request.host);
  return needs_token_ || is_direct ? scope : std::min(scope, Scope::kInfer);
}

Scope AccessPolicy::granted(const protocol::GrpcRequest& request, const Peer& peer) const {
  const Scope scope = granted(request.authorization, peer);
  return needs_token_ || !request.is_forwarded ? scope : std::min(scope, Scope::kInfer);
}

Scope AccessPolicy::granted(std::string_view authorization, const Peer& peer) const {
  if (needs_token_) return ofToken(authorization);
  return peer.is_local ? Scope::kAdmin : Scope::kInfer;
}

Scope AccessPolicy::ofToken(std::string_view authorization) const {
  const std::string_view token = bearerToken(authorization);
  if (token.empty()) return Scope::kOpen;
  const std::array<uint8_t, 32> presented = bundle::sha256(token.data(), token.size());
  Scope scope = Scope::kOpen;
  for (const HashedToken& each : tokens_) {
    if (equal(each.sha256, presented)) scope = std::max(scope, each.scope);
  }
  return scope;
}

protocol::HttpAnswer tokenNeeded() {
  protocol::HttpAnswer answer = protocol::errorAnswer(
      401, "expected a token that this server knows, as 'Authorization: Bearer aios_…'");
  answer.headers = "WWW-Authenticate: Bearer\r\n";
  return answer;
}

}  // namespace aios::server
