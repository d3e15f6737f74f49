#include "server/ed25519.hpp"

#include <gtest/gtest.h>

#include <string>

#include "expect_error.hpp"
#include "server/tls_client.hpp"

namespace aios::server {
namespace {

std::string fromHex(const std::string& digits) {
  std::string bytes;
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    bytes.push_back(static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

class Ed25519Test : public ::testing::Test {
 protected:
  void SetUp() override { AIOS_NEEDS_OPENSSL(); }

  // RFC 8032, section 7.1, test 2.
  const std::string secret =
      fromHex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
  const std::string public_key =
      fromHex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
  const std::string message = "\x72";
  const std::string signature = fromHex(
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
      "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
};

TEST_F(Ed25519Test, SignsAsTheStandardSays) {
  EXPECT_EQ(ed25519::publicKey(secret), public_key);
  EXPECT_EQ(ed25519::sign(secret, message), signature);
  EXPECT_TRUE(ed25519::verify(public_key, message, signature));
}

TEST_F(Ed25519Test, FindsWhatWasChanged) {
  std::string other = signature;
  other.back() = '\x01';
  EXPECT_FALSE(ed25519::verify(public_key, message, other));
  EXPECT_FALSE(ed25519::verify(public_key, "\x73", signature));
  EXPECT_FALSE(ed25519::verify(ed25519::publicKey(public_key), message, signature));
  EXPECT_FALSE(ed25519::verify(public_key, message, signature.substr(1)));
  EXPECT_FALSE(ed25519::verify(public_key, message, ""));
}

TEST_F(Ed25519Test, RefusesAKeyOfAnotherSize) {
  EXPECT_AIOS_ERROR(ed25519::sign(secret.substr(1), message), kInvalidArgument, "got 31");
  EXPECT_AIOS_ERROR(ed25519::verify("", message, signature), kInvalidArgument, "got 0");
}

}  // namespace
}  // namespace aios::server
