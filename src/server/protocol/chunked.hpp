// A body in chunks (RFC 9112, section 7.1).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace aios::server::protocol {

// Joins the chunks of one body as they come.
class ChunkReader {
 public:
  // `bytes` are all that came after the head, each time from its first on. Returns whether the body
  // is whole. Throws HttpError for what isn't chunks, and for more than `limit` bytes of them.
  bool read(std::string_view bytes, std::size_t limit);

  const std::string& body() const noexcept { return body_; }
  // Bytes up to the end of what was read.
  std::size_t offset() const noexcept { return offset_; }
  // Ready for another body.
  void reset();

 private:
  std::string body_;
  std::size_t offset_ = 0;
  bool in_trailers_ = false;
};

}  // namespace aios::server::protocol
