#include "server/protocol/grpc_stream.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace aios::server::protocol {
namespace {

// What RFC 9113, section 6.5.2, adds to a header's own bytes.
constexpr std::size_t kBytesOfAHeader = 32;
// A shorter message hardly gets shorter.
constexpr std::size_t kLeastCompressed = 1024;

// Whether a list as "identity, gzip" has a word.
bool lists(std::string_view list, std::string_view word) noexcept {
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    std::string_view item = list.substr(0, comma);
    while (!item.empty() && item.front() == ' ') item.remove_prefix(1);
    while (!item.empty() && item.back() == ' ') item.remove_suffix(1);
    if (item == word) return true;
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
  }
  return false;
}

}  // namespace

void GrpcHead::add(std::string_view name, std::string_view value) {
  bytes_ += name.size() + value.size() + kBytesOfAHeader;
  if (name == ":method") {
    is_post_ = value == "POST";
  } else if (name == ":path") {
    path_ = value;
  } else if (name == "content-type") {
    is_grpc_ = isGrpc(value);
  } else if (name == "grpc-timeout") {
    timeout_ = readTimeout(value);
    has_bad_timeout_ = !timeout_.has_value();
  } else if (name == "grpc-encoding") {
    encoding_ = wire::encodingOf(value);
  } else if (name == "grpc-accept-encoding") {
    accepted_ = value;
  } else if (name == "authorization") {
    authorization_ = value;
  } else if (name == "traceparent") {
    traceparent_ = value;
  } else if (name == "forwarded" || name == "x-forwarded-for") {
    is_forwarded_ = true;
  }
}

int GrpcHead::httpStatus() const noexcept {
  if (!is_post_) return 405;
  return is_grpc_ ? 200 : 415;
}

void GrpcHead::check() const {
  if (has_bad_timeout_) {
    throw GrpcError(ErrorCode::kInvalidArgument,
                    "grpc-timeout: expected at most eight digits and a unit, as 100m");
  }
  if (!encoding_.has_value()) {
    throw GrpcError(ErrorCode::kUnsupported,
                    "grpc-encoding: expected identity, gzip or deflate; use one of them");
  }
}

wire::Encoding GrpcHead::answerEncoding() const noexcept {
  const wire::Encoding asked = encoding();
  const bool is_accepted = asked != wire::Encoding::kIdentity && lists(accepted_, name(asked));
  return is_accepted ? asked : wire::Encoding::kIdentity;
}

void AnswerQueue::push(std::string body, wire::Encoding encoding) {
  const bool is_compressed =
      encoding != wire::Encoding::kIdentity && body.size() >= kLeastCompressed;
  if (is_compressed) body = wire::compressed(encoding, body);
  bytes_ += kGrpcPrefixBytes + body.size();
  const auto prefix = grpcPrefix(body.size(), is_compressed);
  messages_.push_back({prefix, std::move(body)});
}

std::size_t AnswerQueue::read(char* buffer, std::size_t size) {
  std::size_t written = 0;
  const auto take = [&](const char* from, std::size_t whole, std::size_t offset) {
    const std::size_t count = std::min(whole - offset, size - written);
    std::memcpy(buffer + written, from + offset, count);
    written += count;
    sent_ += count;
  };
  while (written < size && !messages_.empty()) {
    const Message& first = messages_.front();
    if (sent_ < kGrpcPrefixBytes) take(first.prefix.data(), kGrpcPrefixBytes, sent_);
    if (sent_ >= kGrpcPrefixBytes) {
      take(first.body.data(), first.body.size(), sent_ - kGrpcPrefixBytes);
    }
    if (sent_ < kGrpcPrefixBytes + first.body.size()) break;
    messages_.pop_front();
    sent_ = 0;
  }
  bytes_ -= written;
  return written;
}

void AnswerQueue::clear() noexcept {
  messages_.clear();
  sent_ = 0;
  bytes_ = 0;
}

}  // namespace aios::server::protocol
