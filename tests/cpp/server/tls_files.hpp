// A certificate for localhost that signed itself, for tests, and keys: that of it, and another one.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "server/tls.hpp"

namespace aios::server {

constexpr const char* kCertificate =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBmzCCAUGgAwIBAgIUMdLhwXbarmEPWSiueY9qtPbuejMwCgYIKoZIzj0EAwIw\n"
    "FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyODEzMjMwOFoYDzIxMjYxMTA0\n"
    "MTMyMzA4WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO\n"
    "PQMBBwNCAAT9piTWILUAgw9JPHuGTLxkPWjjGU2Dy9bCYRHzIcBamU+LTVjfzWZ1\n"
    "sVhAIR1k2K1k0HUcauc1pCRW4hYrjQcLo28wbTAdBgNVHQ4EFgQUPJnKhPzgUw9u\n"
    "bAMmzNExRGfgTQ4wHwYDVR0jBBgwFoAUPJnKhPzgUw9ubAMmzNExRGfgTQ4wDwYD\n"
    "VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI\n"
    "zj0EAwIDSAAwRQIhAKC/Nw8Mh6/35UXEMRq4wiqSd5wPqWGzlzr7JsFAbJ5sAiAK\n"
    "Fjen7GVOLsk0727WjDyC4VKk43g3ZYcz5Ro4irP9Eg==\n"
    "-----END CERTIFICATE-----\n";
constexpr const char* kKey =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgWfILWO17UiLVJNtE\n"
    "eBx1eqrESEP7rtK/hRLX+JpY5nWhRANCAAT9piTWILUAgw9JPHuGTLxkPWjjGU2D\n"
    "y9bCYRHzIcBamU+LTVjfzWZ1sVhAIR1k2K1k0HUcauc1pCRW4hYrjQcL\n"
    "-----END PRIVATE KEY-----\n";
constexpr const char* kOtherKey =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQguOZVGs8EticLdT02\n"
    "HLVtcXUFmHd0dPuYV28LGaACzi2hRANCAAR+2wDK2ODz1vP/t4FL7SZG8t5PEFZd\n"
    "/lPkjj3owIUKQmOY4JMS9BJcMDlrNwWIH58WRX8zk9mzvNmYT/vTgYSd\n"
    "-----END PRIVATE KEY-----\n";

// Files in a folder that goes with this.
class TlsFolder {
 public:
  TlsFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "aios.XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~TlsFolder() { std::filesystem::remove_all(path_); }
  TlsFolder(const TlsFolder&) = delete;
  TlsFolder& operator=(const TlsFolder&) = delete;

  std::string write(const std::string& name, const std::string& content) const {
    std::ofstream(path_ / name) << content;
    return path_ / name;
  }
  TlsFiles files() const { return {write("cert.pem", kCertificate), write("key.pem", kKey), ""}; }

 private:
  std::filesystem::path path_;
};

}  // namespace aios::server
