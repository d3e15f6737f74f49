#include "server/api/body_encoding.hpp"

#include <new>
#include <utility>

namespace aios::server::api {
namespace {

// About what one packet carries.
constexpr std::size_t kSmallestCompressed = 1400;

}  // namespace

BodyEncodings encodingsOf(const protocol::HttpRequest& request, std::size_t most_bytes) {
  const auto content = wire::encodingOf(request.content_encoding);
  if (!content.has_value()) {
    throw protocol::HttpError(415, "Content-Encoding: expected gzip, deflate or none, got " +
                                       std::string(request.content_encoding));
  }
  return {*content, wire::acceptedEncoding(request.accept_encoding), most_bytes};
}

bool isCompressed(const BodyEncodings& encodings, const protocol::HttpAnswer& answer) noexcept {
  return encodings.answer != wire::Encoding::kIdentity && answer.body.size() >= kSmallestCompressed;
}

void compress(const BodyEncodings& encodings, protocol::HttpAnswer& answer) try {
  if (!isCompressed(encodings, answer)) return;
  std::string body = wire::compressed(encodings.answer, answer.body);
  if (body.size() >= answer.body.size()) return;
  answer.body = std::move(body);
  answer.headers += "Content-Encoding: ";
  answer.headers += wire::name(encodings.answer);
  answer.headers += "\r\n";
} catch (const std::bad_alloc&) {
  // As it is, it is an answer too.
}

}  // namespace aios::server::api
