#include "server/protocol/grpc.hpp"

#include <algorithm>
#include <charconv>

#include "server/protocol/output.hpp"

namespace aios::server::protocol {
namespace {

constexpr std::string_view kContentType = "application/grpc";
// So that a client that only announces a large message costs no memory.
constexpr std::size_t kMostReserved = std::size_t{1} << 20;
// Clients refuse headers of more than 8 KiB, and a byte may become three.
constexpr std::size_t kLongestText = 2048;

std::optional<std::chrono::nanoseconds> unitOf(char letter) noexcept {
  switch (letter) {
    case 'H':
      return std::chrono::hours(1);
    case 'M':
      return std::chrono::minutes(1);
    case 'S':
      return std::chrono::seconds(1);
    case 'm':
      return std::chrono::milliseconds(1);
    case 'u':
      return std::chrono::microseconds(1);
    case 'n':
      return std::chrono::nanoseconds(1);
    default:
      return std::nullopt;
  }
}

[[noreturn]] void refuseLength(std::size_t length, std::size_t limit) {
  throw GrpcError(ErrorCode::kOverloaded, "expected a message of at most " + std::to_string(limit) +
                                              " bytes, got one of " + std::to_string(length));
}

// As much of a text as a header may have, without a part of a character at its end: a client may
// have given what is named in it.
std::string_view beginningOf(std::string_view text) {
  if (text.size() <= kLongestText) return text;
  std::size_t end = kLongestText;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end);
}

}  // namespace

bool isGrpc(std::string_view content_type) noexcept {
  if (content_type.substr(0, kContentType.size()) != kContentType) return false;
  content_type.remove_prefix(kContentType.size());
  if (content_type.substr(0, 6) == "+proto") content_type.remove_prefix(6);
  return content_type.empty() || content_type.front() == ';' || content_type.front() == ' ';
}

std::optional<std::chrono::nanoseconds> readTimeout(std::string_view text) noexcept {
  if (text.size() < 2 || text.size() > 9) return std::nullopt;
  const std::optional<std::chrono::nanoseconds> unit = unitOf(text.back());
  int64_t number = 0;
  const char* const end = text.data() + text.size() - 1;
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (!unit.has_value() || error != std::errc() || stop != end || number < 0) return std::nullopt;
  // Hours beyond what nanoseconds can count.
  if (number > std::chrono::nanoseconds::max() / *unit) return std::chrono::nanoseconds::max();
  return number * *unit;
}

std::string percentEncoded(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  text = beginningOf(text);
  std::string encoded;
  encoded.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7F && c != '%') {
      encoded.push_back(c);
      continue;
    }
    encoded.push_back('%');
    encoded.push_back(kDigits[byte >> 4]);
    encoded.push_back(kDigits[byte & 15]);
  }
  return encoded;
}

std::array<char, kGrpcPrefixBytes> grpcPrefix(std::size_t bytes, bool is_compressed) noexcept {
  return {static_cast<char>(is_compressed), static_cast<char>(bytes >> 24),
          static_cast<char>(bytes >> 16), static_cast<char>(bytes >> 8), static_cast<char>(bytes)};
}

std::size_t MessageReader::length() const noexcept {
  std::size_t length = 0;
  for (std::size_t i = begin_ + 1; i < begin_ + kGrpcPrefixBytes; ++i) {
    length = length << 8 | static_cast<unsigned char>(bytes_[i]);
  }
  return length;
}

void MessageReader::check(std::size_t limit) const {
  if (size() < kGrpcPrefixBytes) return;
  if (length() > limit) refuseLength(length(), limit);
}

void MessageReader::append(std::string_view bytes, std::size_t limit) {
  if (begin_ != 0) {
    bytes_.erase(0, begin_);
    begin_ = 0;
  }
  bytes_.append(bytes);
  check(limit);
  if (size() < kGrpcPrefixBytes) return;
  const std::size_t wanted = std::min(kGrpcPrefixBytes + length(), kMostReserved);
  if (wanted > bytes_.capacity()) bytes_.reserve(wanted);
}

bool MessageReader::hasMessage() const noexcept {
  return size() >= kGrpcPrefixBytes && size() - kGrpcPrefixBytes >= length();
}

std::string_view MessageReader::front(std::size_t limit) {
  check(limit);
  const std::string_view message =
      std::string_view(bytes_).substr(begin_ + kGrpcPrefixBytes, length());
  const char flag = bytes_[begin_];
  if (flag == 0) return message;
  if (flag != 1 || encoding_ == wire::Encoding::kIdentity) {
    throw GrpcError(ErrorCode::kInternal,
                    "a message says that it is compressed, and grpc-encoding does not");
  }
  try {
    decompressed_ = wire::decompressed(encoding_, message, limit);
  } catch (const Error& error) {
    throw GrpcError(error.code(), error.what());
  }
  return decompressed_;
}

void MessageReader::pop() {
  begin_ += kGrpcPrefixBytes + length();
  decompressed_.clear();
  if (begin_ == bytes_.size()) clear();
}

void MessageReader::clear() noexcept {
  begin_ = 0;
  bytes_.clear();
  shrink(bytes_);
  shrink(decompressed_);
}

}  // namespace aios::server::protocol
