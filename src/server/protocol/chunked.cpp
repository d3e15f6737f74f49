#include "server/protocol/chunked.hpp"

#include <algorithm>
#include <charconv>

#include "server/protocol/http1.hpp"

namespace aios::server::protocol {
namespace {

// A line with a chunk's size and its extensions, or a trailer, is short.
constexpr std::size_t kLongestLine = 1024;
// What lines may have altogether, beside the body's own bytes.
constexpr std::size_t kMostLineBytes = 1 << 20;
constexpr std::size_t kKeptBytes = 64 << 10;

// What ends a line for others, or is in none (RFC 9112, section 2.2).
bool isControl(char byte) {
  const auto code = static_cast<unsigned char>(byte);
  return (code < 0x20 && byte != '\t') || code == 0x7F;
}

// The line at the front, with its end taken too; false where the end isn't there yet.
bool takeLine(std::string_view& bytes, std::string_view& line) {
  const std::size_t end = bytes.find("\r\n");
  if (end == std::string_view::npos ? bytes.size() > kLongestLine : end > kLongestLine) {
    throw HttpError(400, "a chunk's line is too long");
  }
  if (end == std::string_view::npos) return false;
  line = bytes.substr(0, end);
  if (std::any_of(line.begin(), line.end(), isControl)) {
    throw HttpError(400, "a control character in a chunk's line");
  }
  bytes.remove_prefix(end + 2);
  return true;
}

std::size_t sizeOf(std::string_view line) {
  const std::string_view digits = line.substr(0, line.find(';'));
  std::size_t size = 0;
  const char* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, size, 16);
  if (error != std::errc() || stop != end) throw HttpError(400, "malformed size of a chunk");
  return size;
}

}  // namespace

bool ChunkReader::read(std::string_view bytes, std::size_t limit) {
  for (;;) {
    std::string_view left = bytes.substr(offset_), line;
    if (offset_ - body_.size() > kMostLineBytes) throw HttpError(413, "too many chunks");
    if (!takeLine(left, line)) return false;
    if (!in_trailers_) {
      const std::size_t size = sizeOf(line);
      if (size > limit - body_.size()) {
        throw HttpError(413, "expected a body of at most " + std::to_string(limit) + " bytes");
      }
      if (size != 0 && left.size() < size + 2) return false;
      body_.append(left.substr(0, size));
      in_trailers_ = size == 0;
      if (size != 0 && left.substr(size, 2) != "\r\n") {
        throw HttpError(400, "a chunk without its end");
      }
      left.remove_prefix(size == 0 ? 0 : size + 2);
    } else if (line.empty()) {
      offset_ = bytes.size() - left.size();
      return true;
    }
    offset_ = bytes.size() - left.size();
  }
}

void ChunkReader::reset() {
  if (body_.capacity() > kKeptBytes) std::string().swap(body_);
  body_.clear();
  offset_ = 0;
  in_trailers_ = false;
}

}  // namespace aios::server::protocol
