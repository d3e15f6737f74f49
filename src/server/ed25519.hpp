// Signatures by Ed25519 (RFC 8032), of OpenSSL as it is found.
#pragma once

#include <string>
#include <string_view>

namespace aios::server::ed25519 {

// All are bytes: a secret key and a public one of 32, a signature of 64. Each throws
// InvalidArgument for a key of another size, Unsupported without OpenSSL.
std::string publicKey(std::string_view secret);
std::string sign(std::string_view secret, std::string_view message);
bool verify(std::string_view public_key, std::string_view message, std::string_view signature);

}  // namespace aios::server::ed25519
