// Bodies in gzip and deflate, as HTTP and gRPC carry them (RFC 1952 and RFC 1950).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "aios/error.hpp"

namespace aios::server::wire {

enum class Encoding { kIdentity, kGzip, kDeflate };

// "gzip", as headers name it.
const char* name(Encoding encoding) noexcept;
// By its name in any case; empty is identity. Nothing for one that isn't known, or for several.
std::optional<Encoding> encodingOf(std::string_view name) noexcept;
// What a client wants most by its Accept-Encoding, gzip first among equals; identity where it names
// none that is known.
Encoding acceptedEncoding(std::string_view header) noexcept;

// More bytes than may come: a small body can hold a thousand times its size. Its code is
// kOverloaded, gRPC's for a message that is too large.
class TooLarge : public Error {
 public:
  using Error::Error;
};

// What compressed bytes hold. Throws TooLarge before more than `limit` bytes were written, and
// Error(kInvalidArgument) for what isn't of that encoding, or is cut short.
std::string decompressed(Encoding encoding, std::string_view bytes, std::size_t limit);

// Fast rather than small.
std::string compressed(Encoding encoding, std::string_view bytes);

}  // namespace aios::server::wire
