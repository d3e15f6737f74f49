// One call by gRPC, as far as it needs no other: what its headers say, and what is to be sent.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "server/protocol/grpc.hpp"
#include "server/wire/compression.hpp"

namespace aios::server::protocol {

// What the headers of a call say.
class GrpcHead {
 public:
  void add(std::string_view name, std::string_view value);

  // Bytes as HTTP/2 counts a list of headers.
  std::size_t bytes() const noexcept { return bytes_; }
  // 200, or the status of HTTP for what isn't a call by gRPC.
  int httpStatus() const noexcept;
  bool hasKnownEncoding() const noexcept { return encoding_.has_value(); }
  // Throws GrpcError for what this server can't do.
  void check() const;

  const std::string& path() const noexcept { return path_; }
  const std::string& authorization() const noexcept { return authorization_; }
  const std::string& traceparent() const noexcept { return traceparent_; }
  bool isForwarded() const noexcept { return is_forwarded_; }
  std::optional<std::chrono::nanoseconds> timeout() const noexcept { return timeout_; }
  // Of the client's messages; and of answers, which are compressed where the client does so.
  wire::Encoding encoding() const noexcept { return encoding_.value_or(wire::Encoding::kIdentity); }
  wire::Encoding answerEncoding() const noexcept;

 private:
  std::string path_;
  std::string authorization_;
  std::string traceparent_;
  std::string accepted_;  // grpc-accept-encoding
  std::optional<std::chrono::nanoseconds> timeout_;
  std::optional<wire::Encoding> encoding_ = wire::Encoding::kIdentity;
  std::size_t bytes_ = 0;
  bool is_post_ = false;
  bool is_grpc_ = false;
  bool has_bad_timeout_ = false;
  bool is_forwarded_ = false;
};

// Messages on their way to the client.
class AnswerQueue {
 public:
  void push(std::string body, wire::Encoding encoding);
  // Moves the next bytes into a buffer; returns how many.
  std::size_t read(char* buffer, std::size_t size);
  std::size_t size() const noexcept { return bytes_; }
  void clear() noexcept;

 private:
  struct Message {
    std::array<char, kGrpcPrefixBytes> prefix;
    std::string body;
  };
  std::deque<Message> messages_;
  std::size_t sent_ = 0;  // of the first message
  std::size_t bytes_ = 0;
};

struct GrpcStream {
  explicit GrpcStream(int32_t number) : id(number) {}

  const int32_t id;
  GrpcHead head;
  GrpcKind kind = GrpcKind::kUnary;
  Clock::time_point deadline = Clock::time_point::max();
  MessageReader messages;
  std::size_t buffered = 0;    // bytes of those, as the connection counts them
  std::size_t unconsumed = 0;  // bytes that the client may not yet replace
  AnswerQueue answers;
  Cancellation cancellation;
  uint64_t served = 0;         // messages
  bool is_read = false;        // the client sends no more
  bool is_waiting = false;     // for the service
  bool is_held = false;        // its answers wait for the client to read
  bool is_responding = false;  // headers were sent
  bool is_finished = false;    // `status` is known
  GrpcAnswer status;           // the code and the message of the trailers

  // When tick() first saw it stuck: its message still on its way, or its answer.
  Clock::time_point stuck_since = Clock::time_point::max();
  uint64_t progress = 0;       // changes with each message that came, and bytes that went
  uint64_t seen_progress = 0;  // by tick()
};

}  // namespace aios::server::protocol
