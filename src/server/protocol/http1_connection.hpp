// A connection that speaks HTTP/1.1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "server/protocol/chunked.hpp"
#include "server/protocol/connection.hpp"
#include "server/protocol/http1.hpp"

namespace aios::server::protocol {

// Requests are answered in the order in which they came; what follows one that is answered later
// waits. For one thread.
class Http1Connection final : public Connection {
 public:
  // Both outlive the connection.
  Http1Connection(Service& service, const HttpLimits& limits)
      : service_(service), limits_(limits) {}

  void feed(std::string_view bytes) override;
  bool complete(uint64_t request, Answer&& answer) override;
  void timeOut() override;
  void drain() override;
  std::string_view output() const noexcept override { return std::string_view(out_).substr(sent_); }
  void sent(std::size_t bytes) override;

  bool isWaiting() const noexcept override { return waiting_; }
  uint64_t answered() const noexcept override { return answered_; }
  bool wantsInput() const noexcept override { return !waiting_ && !closing_ && !isFull(); }
  bool isMidRequest() const noexcept override { return !waiting_ && !closing_ && !in_.empty(); }
  bool isClosing() const noexcept override { return closing_; }

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
  bool continued_ = false;     // the client was told to send the body
  Cancellation cancellation_;  // of the one that is answered later
  bool waiting_ = false;
  bool waiting_keeps_alive_ = false;
  bool waiting_with_body_ = false;
  bool draining_ = false;
  bool closing_ = false;
};

}  // namespace aios::server::protocol
