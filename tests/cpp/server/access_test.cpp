#include "server/access.hpp"

#include <gtest/gtest.h>

#include "bundle/integrity.hpp"
#include "expect_error.hpp"

namespace aios::server {
namespace {

constexpr const char* kInferToken = "aios_reader";
constexpr const char* kAdminToken = "aios_keeper";

HashedToken tokenOf(const std::string& text, const char* scope) {
  return hashedToken(bundle::sha256Hex(text.data(), text.size()), scope);
}

const AccessPolicy& withTokens() {
  static const AccessPolicy policy({tokenOf(kInferToken, "infer"), tokenOf(kAdminToken, "admin")});
  return policy;
}

Peer localPeer() {
  Peer peer;
  peer.is_local = true;
  return peer;
}

protocol::HttpRequest requestTo(std::string_view host) {
  protocol::HttpRequest request;
  request.host = host;
  return request;
}

TEST(Access, WithoutTokensClientsOfThisMachineMayDoAllAndOthersInfer) {
  const AccessPolicy policy;
  EXPECT_TRUE(policy.mayInfer(""));
  EXPECT_EQ(policy.granted(requestTo("127.0.0.1:8501"), localPeer()), Scope::kAdmin);
  EXPECT_EQ(policy.granted(requestTo("10.0.0.1:8501"), Peer()), Scope::kInfer);
  EXPECT_EQ(policy.granted(protocol::GrpcRequest(), localPeer()), Scope::kAdmin);
  EXPECT_EQ(policy.granted(protocol::GrpcRequest(), Peer()), Scope::kInfer);
}

TEST(Access, WithoutTokensAPageOfSomebodyElseMayInferOnly) {
  const AccessPolicy policy;
  protocol::HttpRequest request = requestTo("127.0.0.1:8501");
  request.origin = "http://127.0.0.1:8501";
  EXPECT_EQ(policy.granted(request, localPeer()), Scope::kAdmin);
  for (const char* const origin : {"http://evil.example", "null", "http://127.0.0.1:9"}) {
    request.origin = origin;
    EXPECT_EQ(policy.granted(request, localPeer()), Scope::kInfer) << origin;
  }
}

TEST(Access, WithoutTokensANameThatLeadsToThisMachineMayInferOnly) {
  const AccessPolicy policy;
  EXPECT_EQ(policy.granted(requestTo("evil.example:8501"), localPeer()), Scope::kInfer);
  for (const char* const host : {"localhost:8501", "[::1]:8501", "127.0.0.1", ""}) {
    EXPECT_EQ(policy.granted(requestTo(host), localPeer()), Scope::kAdmin) << host;
  }
}

TEST(Access, WithoutTokensWhatAProxySendsMayInferOnly) {
  protocol::HttpRequest request = requestTo("127.0.0.1");
  request.forwarded = "203.0.113.7";
  EXPECT_EQ(AccessPolicy().granted(request, localPeer()), Scope::kInfer);
  protocol::GrpcRequest call;
  call.is_forwarded = true;
  EXPECT_EQ(AccessPolicy().granted(call, localPeer()), Scope::kInfer);
  call.authorization = "Bearer aios_keeper";
  EXPECT_EQ(withTokens().granted(call, Peer()), Scope::kAdmin);
}

TEST(Access, WithTokensAClientMayDoWhatItsTokenSays) {
  const AccessPolicy& policy = withTokens();
  protocol::HttpRequest request = requestTo("models.example");
  for (const char* const header : {"Bearer aios_reader", "bearer aios_reader"}) {
    request.authorization = header;
    EXPECT_TRUE(policy.mayInfer(header));
    EXPECT_EQ(policy.granted(request, Peer()), Scope::kInfer) << header;
  }
  request.authorization = "Bearer aios_keeper";
  EXPECT_EQ(policy.granted(request, Peer()), Scope::kAdmin);
}

TEST(Access, WithTokensNobodyMayDoAnythingWithoutOne) {
  const AccessPolicy& policy = withTokens();
  for (const char* const header : {"", "Bearer", "Bearer ", "Bearer aios_", "Bearer aios_readers",
                                   "Basic aios_reader", "aios_reader", "Bearer aios_reader x"}) {
    protocol::HttpRequest request = requestTo("127.0.0.1");
    request.authorization = header;
    EXPECT_FALSE(policy.mayInfer(header)) << header;
    EXPECT_EQ(policy.granted(request, localPeer()), Scope::kOpen) << header;
  }
  EXPECT_FALSE(AccessPolicy(std::vector<HashedToken>()).mayInfer("Bearer aios_reader"));
}

TEST(Access, AnUnknownScopeOrHashIsRefused) {
  const std::string hash(64, 'a');
  EXPECT_AIOS_ERROR(hashedToken(hash, "open"), kInvalidArgument, "infer or admin, got");
  EXPECT_AIOS_ERROR(hashedToken(hash.substr(1), "infer"), kInvalidArgument, "64 hexadecimal");
  EXPECT_AIOS_ERROR(hashedToken("x" + hash.substr(1), "infer"), kInvalidArgument, "64 hexadecimal");
}

TEST(Access, TheRefusalSaysWhatIsExpected) {
  const protocol::HttpAnswer answer = tokenNeeded();
  EXPECT_EQ(answer.status, 401);
  EXPECT_EQ(answer.headers, "WWW-Authenticate: Bearer\r\n");
}

}  // namespace
}  // namespace aios::server
