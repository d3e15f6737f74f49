#include "server/wire/compression.hpp"

#include <zlib.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <new>

namespace aios::server::wire {
namespace {

constexpr int kWindowBits = 15;
constexpr int kGzipFlag = 16;
constexpr int kUsualMemory = 8;
constexpr std::size_t kFirstBytes = 4096;
// zlib counts in 32 bits.
constexpr std::size_t kMostAtOnce = std::numeric_limits<uInt>::max();

int windowBits(Encoding encoding) noexcept {
  return encoding == Encoding::kGzip ? kWindowBits + kGzipFlag : kWindowBits;
}

Bytef* bytesOf(const char* text) noexcept {
  // zlib takes input as not constant, and doesn't change it.
  return const_cast<Bytef*>(reinterpret_cast<const Bytef*>(text));
}

// A stream of zlib's and how it ends.
class Stream {
 public:
  explicit Stream(int (*end)(z_stream*)) : end_(end) {}
  ~Stream() { end_(&state_); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  z_stream* get() noexcept { return &state_; }
  z_stream* operator->() noexcept { return &state_; }
  // The next part of what is left to read.
  void refill(std::string_view& left) noexcept {
    if (state_.avail_in != 0) return;
    const std::size_t size = std::min(left.size(), kMostAtOnce);
    state_.next_in = bytesOf(left.data());
    state_.avail_in = static_cast<uInt>(size);
    left.remove_prefix(size);
  }
  // Lets zlib write behind the first `used` bytes; returns how many it wrote.
  std::size_t write(std::string& out, std::size_t used, int (*step)(z_stream*, int), int flush) {
    const std::size_t room = std::min(out.size() - used, kMostAtOnce);
    state_.next_out = bytesOf(out.data() + used);
    state_.avail_out = static_cast<uInt>(room);
    result_ = step(&state_, flush);
    return room - state_.avail_out;
  }
  int result() const noexcept { return result_; }

 private:
  int result_ = Z_OK;
  z_stream state_{};
  int (*const end_)(z_stream*);
};

[[noreturn]] void refuse(Encoding encoding, const char* why) {
  throw Error(ErrorCode::kInvalidArgument,
              std::string("expected bytes in ") + name(encoding) + ": " + why);
}

void requireAtMost(std::size_t limit, std::size_t bytes) {
  if (bytes <= limit) return;
  throw TooLarge(ErrorCode::kOverloaded,
                 "expected at most " + std::to_string(limit) + " bytes when decompressed");
}

// Grows up to one byte beyond the limit, by which it is seen that there is too much.
void grow(std::string& out, std::size_t used, std::size_t limit) {
  requireAtMost(limit, used);
  out.resize(std::min(std::max(used * 2, kFirstBytes), limit + 1));
}

bool equals(std::string_view text, std::string_view word) noexcept {
  return text.size() == word.size() &&
         std::equal(text.begin(), text.end(), word.begin(), [](char a, char b) {
           return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + 32) : a) == b;
         });
}

std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// The part before a separator, which is taken off with it.
std::string_view takeUntil(char separator, std::string_view& text) noexcept {
  const std::size_t at = text.find(separator);
  const std::string_view part = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  return trimmed(part);
}

// Of ";q=0.5"; 1 where there is none, 0 where it can't be read.
double weightOf(std::string_view parameters) noexcept {
  while (!parameters.empty()) {
    std::string_view value = takeUntil(';', parameters);
    if (!equals(takeUntil('=', value), "q")) continue;
    double weight = 0;
    std::from_chars(value.data(), value.data() + value.size(), weight);
    return weight;
  }
  return 1;
}

// Whether the stream has ended, or goes on; one that can't go on is refused.
bool isAtEnd(Encoding encoding, int result, const char* message) {
  if (result == Z_OK || result == Z_STREAM_END) return result == Z_STREAM_END;
  if (result == Z_MEM_ERROR) throw std::bad_alloc();
  if (result == Z_BUF_ERROR) refuse(encoding, "they are cut short");
  refuse(encoding, message != nullptr ? message : "they are damaged");
}

std::string inflated(Encoding encoding, std::string_view bytes, std::size_t limit) {
  Stream stream(&::inflateEnd);
  if (::inflateInit2(stream.get(), windowBits(encoding)) != Z_OK) throw std::bad_alloc();
  std::string out;
  std::size_t used = 0;
  for (;;) {
    stream.refill(bytes);
    if (used == out.size()) grow(out, used, limit);
    used += stream.write(out, used, &::inflate, Z_NO_FLUSH);
    if (!isAtEnd(encoding, stream.result(), stream->msg)) continue;
    if (stream->avail_in == 0 && bytes.empty()) break;
    // A body of gzip may be several in a row (RFC 1952, section 2.2).
    if (encoding != Encoding::kGzip) refuse(encoding, "more bytes follow their end");
    ::inflateReset(stream.get());
  }
  requireAtMost(limit, used);
  out.resize(used);
  return out;
}

}  // namespace

const char* name(Encoding encoding) noexcept {
  switch (encoding) {
    case Encoding::kGzip:
      return "gzip";
    case Encoding::kDeflate:
      return "deflate";
    default:
      return "identity";
  }
}

std::optional<Encoding> encodingOf(std::string_view name) noexcept {
  if (name.empty() || equals(name, "identity")) return Encoding::kIdentity;
  if (equals(name, "gzip") || equals(name, "x-gzip")) return Encoding::kGzip;
  if (equals(name, "deflate")) return Encoding::kDeflate;
  return std::nullopt;
}

Encoding acceptedEncoding(std::string_view header) noexcept {
  Encoding best = Encoding::kIdentity;
  double best_weight = 0;
  while (!header.empty()) {
    std::string_view parameters = takeUntil(',', header);
    const std::string_view word = takeUntil(';', parameters);
    if (word.empty()) continue;
    const auto known = word == "*" ? std::optional<Encoding>(Encoding::kGzip) : encodingOf(word);
    if (!known.has_value()) continue;
    const Encoding encoding = *known;
    const double weight = weightOf(parameters);
    const bool wins_ties = encoding == Encoding::kGzip && weight > 0;
    if (weight < best_weight || (weight == best_weight && !wins_ties)) continue;
    best = encoding;
    best_weight = weight;
  }
  return best;
}

std::string decompressed(Encoding encoding, std::string_view bytes, std::size_t limit) {
  if (encoding != Encoding::kIdentity) return inflated(encoding, bytes, limit);
  requireAtMost(limit, bytes.size());
  return std::string(bytes);
}

std::string compressed(Encoding encoding, std::string_view bytes) {
  if (encoding == Encoding::kIdentity) return std::string(bytes);
  Stream stream(&::deflateEnd);
  if (::deflateInit2(stream.get(), Z_BEST_SPEED, Z_DEFLATED, windowBits(encoding), kUsualMemory,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::bad_alloc();
  }
  std::string out(::deflateBound(stream.get(), bytes.size()), '\0');
  std::size_t used = 0;
  while (stream.result() == Z_OK) {
    stream.refill(bytes);
    used += stream.write(out, used, &::deflate, bytes.empty() ? Z_FINISH : Z_NO_FLUSH);
  }
  out.resize(used);
  return out;
}

}  // namespace aios::server::wire
