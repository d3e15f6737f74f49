#include "server/openssl.hpp"

#include <gtest/gtest.h>

#include "server/tls_client.hpp"

namespace aios::server {
namespace {

TEST(OpenSsl, IsFoundWhereItIsOnce) {
  AIOS_NEEDS_OPENSSL();
  EXPECT_EQ(&OpenSsl::get(), &OpenSsl::get());
  EXPECT_NE(OpenSsl::get().SSL_new, nullptr);
}

TEST(OpenSsl, TellsTheReasonOfAFailureOnce) {
  AIOS_NEEDS_OPENSSL();
  const OpenSsl& openssl = OpenSsl::get();
  SSL_CTX* const context = openssl.SSL_CTX_new(openssl.TLS_server_method());
  ASSERT_NE(openssl.SSL_CTX_use_certificate_chain_file(context, "/none"), 1);
  EXPECT_NE(opensslReason().find("o such file"), std::string::npos);
  EXPECT_EQ(opensslReason(), "no reason given");
  openssl.SSL_CTX_free(context);
}

}  // namespace
}  // namespace aios::server
