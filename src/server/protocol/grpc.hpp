// gRPC's calls as a service sees them, and how HTTP/2 carries them: messages with a prefix,
// time-outs, and errors in trailers.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "server/protocol/waiter.hpp"
#include "server/wire/compression.hpp"

namespace aios::server::protocol {

// One message to a method. Borrows what it was read from.
struct GrpcRequest {
  std::string_view path;  // "/inference.GRPCInferenceService/ModelInfer"
  std::string_view authorization;
  std::string_view traceparent;
  bool is_forwarded = false;  // by a proxy, for a client of its own
  std::string_view message;   // protobuf, decompressed
  Waiter waiter;
};

// What is told a client.
struct GrpcAnswer {
  int code = 0;         // gRPC's; 0 is success
  std::string message;  // what went wrong
  std::string body;     // protobuf
};

// How a method answers.
enum class GrpcKind {
  kUnary,     // one message by one
  kEach,      // each message by one, in order, until the client has no more
  kUnending,  // one message by one, after which the call stays open
};

// gRPC's codes, beside those of ErrorCode.
inline constexpr int kGrpcCancelled = 1;
inline constexpr int kGrpcUnknown = 2;

// Why a call fails.
class GrpcError : public std::runtime_error {
 public:
  GrpcError(ErrorCode code, const std::string& message)
      : std::runtime_error(message), code_(static_cast<int>(code)) {}
  int code() const noexcept { return code_; }

 private:
  int code_;
};

// Whether a Content-Type is that of a call whose messages are protobuf.
bool isGrpc(std::string_view content_type) noexcept;
// Of "100m" and the like: at most eight digits and a unit.
std::optional<std::chrono::nanoseconds> readTimeout(std::string_view text) noexcept;
// As the header grpc-message has a text: its first 2 KiB.
std::string percentEncoded(std::string_view text);

inline constexpr std::size_t kGrpcPrefixBytes = 5;
// What stands before a message: whether it is compressed, and its length.
std::array<char, kGrpcPrefixBytes> grpcPrefix(std::size_t bytes, bool is_compressed) noexcept;

// Puts the messages of one call together out of whatever pieces they come in.
class MessageReader {
 public:
  // What messages are compressed with, those that say they are.
  void setEncoding(wire::Encoding encoding) noexcept { encoding_ = encoding; }

  // Throws GrpcError for a message of more bytes than `limit`.
  void append(std::string_view bytes, std::size_t limit);
  bool hasMessage() const noexcept;
  // Whether nothing follows the first message, which must be whole.
  bool isSingle() const noexcept { return size() == kGrpcPrefixBytes + length(); }
  // The first message, decompressed; valid until the next append() or pop(). Throws GrpcError where
  // it can't be decompressed to at most so many bytes.
  std::string_view front(std::size_t limit);
  void pop();

  // Bytes that are kept.
  std::size_t size() const noexcept { return bytes_.size() - begin_; }
  void clear() noexcept;

 private:
  // Of the first message; its prefix must have come.
  std::size_t length() const noexcept;
  void check(std::size_t limit) const;

  wire::Encoding encoding_ = wire::Encoding::kIdentity;
  std::string bytes_;
  std::size_t begin_ = 0;  // of the first message
  std::string decompressed_;
};

}  // namespace aios::server::protocol
