// One client's HTTP/1.1 connection without its socket: bytes in, bytes out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "server/protocol/chunked.hpp"
#include "server/protocol/http1.hpp"

namespace aios::server::protocol {

// What answers requests.
class Service {
 public:
  Service() = default;
  virtual ~Service() = default;
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  // Fills `answer` and returns true; or copies what it needs of the request and returns false: then
  // the answer comes later, by Connection::complete(). Throws nothing.
  virtual bool answer(const HttpRequest& request, HttpAnswer& answer) = 0;
};

// Requests are answered in the order in which they came; what follows one that is answered later
// waits. For one thread.
class Connection {
 public:
  // Both outlive the connection.
  Connection(Service& service, const HttpLimits& limits) : service_(service), limits_(limits) {}

  // Bytes that came from the client.
  void feed(std::string_view bytes);
  // The answer to the request that the service took; call it only while isWaiting().
  void complete(const HttpAnswer& answer);
  // The client took too long: says so, where it began a request, and closes.
  void timeOut();
  // Ends the connection at once where no request is under way, else after the next answer.
  void drain();

  // What the client has to be sent, and that so many bytes of it were.
  std::string_view output() const noexcept { return std::string_view(out_).substr(sent_); }
  void sent(std::size_t bytes);

  bool isWaiting() const noexcept { return waiting_; }
  // Requests so far.
  uint64_t answered() const noexcept { return answered_; }
  // Whether more input is wanted now.
  bool wantsInput() const noexcept { return !waiting_ && !closing_ && !isFull(); }
  // Whether a part of a request has come, and the rest is missing.
  bool isMidRequest() const noexcept { return !waiting_ && !closing_ && !in_.empty(); }
  // Nothing more is read; the socket closes when the output was sent.
  bool isClosing() const noexcept { return closing_; }

 private:
  bool isFull() const noexcept { return out_.size() - sent_ > limits_.unread_bytes; }
  // Answers whole requests at the front of `bytes`; returns how many bytes they had.
  std::size_t serve(std::string_view bytes);
  // The same with one; 0 where its rest is missing.
  std::size_t serveOne(std::string_view bytes);
  // The bytes of a request with its body, which is set; 0 where more are needed.
  std::size_t wholeSize(std::string_view bytes, std::size_t head, HttpRequest& request);
  void answerNow(const HttpRequest& request, const HttpAnswer& answer);
  void refuse(int status, std::string_view message);

  Service& service_;
  const HttpLimits& limits_;
  std::string in_;          // the beginning of a request whose rest is missing
  std::size_t needed_ = 0;  // no use looking at in_ before it has so many bytes
  std::size_t head_seen_ = 0;
  ChunkReader chunks_;
  std::string out_;
  std::size_t sent_ = 0;
  uint64_t answered_ = 0;
  bool continued_ = false;  // the client was told to send the body
  bool waiting_ = false;
  bool waiting_keeps_alive_ = false;
  bool waiting_with_body_ = false;
  bool draining_ = false;
  bool closing_ = false;
};

}  // namespace aios::server::protocol
