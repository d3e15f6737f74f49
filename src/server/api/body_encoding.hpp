// What the bodies of a request and of its answer are compressed with.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "server/protocol/http1.hpp"
#include "server/wire/compression.hpp"

namespace aios::server::api {

struct BodyEncodings {
  wire::Encoding request = wire::Encoding::kIdentity;
  wire::Encoding answer = wire::Encoding::kIdentity;  // what the client wants most
  std::size_t most_bytes = std::size_t{64} << 20;     // of the request, decompressed
};

// Of a request. Throws HttpError(415) for an encoding that isn't known.
BodyEncodings encodingsOf(const protocol::HttpRequest& request, std::size_t most_bytes);

// Whether an answer is worth the time that it takes to compress it.
bool isCompressed(const BodyEncodings& encodings, const protocol::HttpAnswer& answer) noexcept;
// Compresses such an answer.
void compress(const BodyEncodings& encodings, protocol::HttpAnswer& answer);

}  // namespace aios::server::api
