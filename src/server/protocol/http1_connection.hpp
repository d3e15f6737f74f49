// A connection that speaks HTTP/1.1, or finds that its client speaks HTTP/2.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "server/protocol/chunked.hpp"
#include "server/protocol/connection.hpp"
#include "server/protocol/http1.hpp"
#include "server/protocol/output.hpp"

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
  std::unique_ptr<Connection> takeSuccessor() override { return std::move(successor_); }
  std::string_view output() const noexcept override { return out_.unsent(); }
  void sent(std::size_t bytes) override;

  bool isWaiting() const noexcept override { return waiting_; }
  uint64_t answered() const noexcept override { return answered_; }
  bool wantsInput() const noexcept override { return !waiting_ && !closing_ && !isFull(); }
  bool isMidRequest() const noexcept override { return !waiting_ && !closing_ && !in_.empty(); }
  bool isClosing() const noexcept override { return closing_; }

 private:
  bool isFull() const noexcept { return out_.size() > limits_.unread_bytes; }
  // Answers whole requests at the front of `bytes`; returns how many bytes they had.
  std::size_t serve(std::string_view bytes);
  // The same with one; 0 where its rest is missing.
  std::size_t serveOne(std::string_view bytes);
  // The bytes of a request with its body, which is set; 0 where more are needed.
  std::size_t wholeSize(std::string_view bytes, std::size_t head, HttpRequest& request);
  // Whether a request whose body is missing may go on; else it is answered.
  bool admit(const HttpRequest& head);
  void answerNow(const HttpRequest& request, const HttpAnswer& answer);
  // Whether the client that began as HTTP/2's do can be answered.
  bool becomeHttp2(std::string_view bytes);
  void refuse(int status, std::string_view message);

  Service& service_;
  const HttpLimits& limits_;
  std::string in_;          // the beginning of a request whose rest is missing
  std::size_t needed_ = 0;  // no use looking at in_ before it has so many bytes
  std::size_t head_seen_ = 0;
  ChunkReader chunks_;
  Output out_;
  uint64_t answered_ = 0;
  std::unique_ptr<Connection> successor_;
  bool admitted_ = false;      // the service wants the body of the request that is coming
  bool continued_ = false;     // the client was told to send the body
  Cancellation cancellation_;  // of the one that is answered later
  bool waiting_ = false;
  bool waiting_keeps_alive_ = false;
  bool waiting_with_body_ = false;
  bool draining_ = false;
  bool closing_ = false;
};

}  // namespace aios::server::protocol
