// OpenSSL as it is found when it is needed: by no link, so that this library loads without it.
#pragma once

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>

#include <string>

namespace aios::server {

// What is used of it: the same functions in OpenSSL 1.1.1 and 3.
// clang-format off
#define AIOS_OPENSSL_FUNCTIONS(X) \
  X(BIO_new) X(BIO_read) X(BIO_s_mem) X(BIO_write) X(ERR_clear_error) X(ERR_error_string_n) \
  X(ERR_get_error) X(EVP_DigestSign) X(EVP_DigestSignInit) X(EVP_DigestVerify) \
  X(EVP_DigestVerifyInit) X(EVP_MD_CTX_free) X(EVP_MD_CTX_new) X(EVP_PKEY_free) \
  X(EVP_PKEY_get_raw_public_key) X(EVP_PKEY_new_raw_private_key) X(EVP_PKEY_new_raw_public_key) \
  X(SSL_CTX_check_private_key) X(SSL_CTX_ctrl) X(SSL_CTX_free) X(SSL_CTX_load_verify_locations) \
  X(SSL_CTX_new) X(SSL_CTX_set_alpn_select_cb) X(SSL_CTX_set_client_CA_list) \
  X(SSL_CTX_set_default_passwd_cb) X(SSL_CTX_set_options) X(SSL_CTX_set_session_id_context) \
  X(SSL_CTX_set_verify) X(SSL_CTX_use_PrivateKey_file) X(SSL_CTX_use_certificate_chain_file) \
  X(SSL_do_handshake) X(SSL_free) X(SSL_get_error) X(SSL_is_init_finished) \
  X(SSL_load_client_CA_file) X(SSL_new) X(SSL_read) X(SSL_select_next_proto) \
  X(SSL_set_accept_state) X(SSL_set_bio) X(SSL_shutdown) X(SSL_write) X(TLS_server_method)
// clang-format on

struct OpenSsl {
#define AIOS_OPENSSL_MEMBER(name) decltype(&::name) name = nullptr;
  AIOS_OPENSSL_FUNCTIONS(AIOS_OPENSSL_MEMBER)
#undef AIOS_OPENSSL_MEMBER

  // Opened at the first call. Throws Unsupported, saying what to install, where there is none.
  static const OpenSsl& get();
};

// What OpenSSL says of this thread's last failure; it forgets it.
std::string opensslReason();

}  // namespace aios::server
