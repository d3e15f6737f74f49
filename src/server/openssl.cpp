#include "server/openssl.hpp"

#include <dlfcn.h>

#include <array>
#include <cstdlib>
#include <type_traits>

#include "aios/error.hpp"

namespace aios::server {
namespace {

// With libcrypto, which each brings along.
constexpr std::array<const char*, 2> kLibraries = {"libssl.so.3", "libssl.so.1.1"};
// Where it is instead.
constexpr const char* kVariable = "AIOS_OPENSSL_LIBRARY";

// Never closed: OpenSSL has handlers for the end of the process.
void* open(const char* name) { return ::dlopen(name, RTLD_NOW | RTLD_LOCAL); }

void* openLibrary() {
  const char* const told = std::getenv(kVariable);
  void* library = told == nullptr ? nullptr : open(told);
  for (const char* const name : kLibraries) {
    if (library == nullptr && told == nullptr) library = open(name);
  }
  if (library != nullptr) return library;
  const std::string where = told == nullptr ? "there is no libssl.so.3 or libssl.so.1.1 here"
                                            : std::string(kVariable) + " '" + told + "' isn't it";
  throw Error(ErrorCode::kUnsupported, "TLS and signatures need OpenSSL, and " + where +
                                           "; install it (Debian: apt-get install libssl3)");
}

OpenSsl load() {
  void* const library = openLibrary();
  OpenSsl table;
  const auto bind = [&](auto& slot, const char* name) {
    slot = reinterpret_cast<std::remove_reference_t<decltype(slot)>>(::dlsym(library, name));
    if (slot != nullptr) return;
    throw Error(ErrorCode::kUnsupported, std::string("OpenSSL's library here has no ") + name +
                                             ": TLS needs OpenSSL 1.1.1 or newer");
  };
#define AIOS_OPENSSL_BIND(name) bind(table.name, #name);
  AIOS_OPENSSL_FUNCTIONS(AIOS_OPENSSL_BIND)
#undef AIOS_OPENSSL_BIND
  return table;
}

}  // namespace

const OpenSsl& OpenSsl::get() {
  static const OpenSsl table = load();
  return table;
}

std::string opensslReason() {
  const OpenSsl& openssl = OpenSsl::get();
  std::array<char, 256> text{};
  const unsigned long code = openssl.ERR_get_error();
  openssl.ERR_error_string_n(code, text.data(), text.size());
  openssl.ERR_clear_error();
  return code == 0 ? "no reason given" : text.data();
}

}  // namespace aios::server
