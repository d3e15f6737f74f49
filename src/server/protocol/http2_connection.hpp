// A connection that speaks gRPC over HTTP/2: many calls at a time, answered as they come.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "server/protocol/connection.hpp"
#include "server/protocol/flood_guard.hpp"
#include "server/protocol/grpc_stream.hpp"
#include "server/protocol/http2_session.hpp"
#include "server/protocol/output.hpp"

namespace aios::server::protocol {

// A request's number is its stream's. For one thread.
class Http2Connection final : public Connection, private Http2Events {
 public:
  // Both outlive the connection.
  Http2Connection(Service& service, const HttpLimits& limits);

  void feed(std::string_view bytes) override;
  bool complete(uint64_t request, Answer&& answer) override;
  void tick(Clock::time_point now) override;
  void timeOut() override;
  void drain() override;

  std::string_view output() const noexcept override { return out_.unsent(); }
  void sent(std::size_t bytes) override;
  // Calls have times of their own, in tick().
  bool isWaiting() const noexcept override { return !streams_.empty(); }
  uint64_t answered() const noexcept override { return answered_; }
  bool wantsInput() const noexcept override { return !closing_ && !isFull(); }
  bool isMidRequest() const noexcept override { return false; }
  bool isClosing() const noexcept override { return closing_; }

 private:
  bool onBegin(int32_t stream) noexcept override;
  void onHeader(int32_t stream, const Http2Header& header) noexcept override;
  void onHeadersEnd(int32_t stream) noexcept override;
  void onData(int32_t stream, std::string_view bytes) noexcept override;
  void onEnd(int32_t stream) noexcept override;
  void onClosed(int32_t stream) noexcept override;
  void onReset(int32_t stream) noexcept override;
  void onControl() noexcept override;
  std::size_t onBody(int32_t stream, char* buffer, std::size_t size,
                     bool& is_last) noexcept override;

  // Runs a step for a stream, if it is still there; notes that there was no memory for it.
  template <typename Step>
  void with(int32_t stream, const Step& step) noexcept;
  GrpcStream* find(int32_t stream) noexcept;
  void begin(GrpcStream& stream);
  void take(GrpcStream& stream, std::string_view bytes);
  // Keeps the count of bytes that all streams keep.
  void account(GrpcStream& stream) noexcept;
  // Does what can be done now: hands messages to the service, or ends the call.
  void advance(GrpcStream& stream);
  void serve(GrpcStream& stream);
  void deliver(GrpcStream& stream, GrpcAnswer&& answer);
  void finish(GrpcStream& stream, int code, std::string_view message);
  void settle(GrpcStream& stream);
  void respond(GrpcStream& stream);
  bool isStuck(GrpcStream& stream, Clock::time_point now) const;
  void flood() noexcept;
  void abandon() noexcept;
  // Moves what nghttp2 has to send to the output, as far as there is room.
  void pump();
  bool isFull() const noexcept { return out_.size() > limits_.unread_bytes; }

  Service& service_;
  const HttpLimits& limits_;
  Http2Session session_;
  std::unordered_map<int32_t, std::unique_ptr<GrpcStream>> streams_;
  GrpcStream* last_ = nullptr;  // that find() found
  std::size_t buffered_ = 0;    // bytes of messages, of all streams
  FloodGuard resets_;
  FloodGuard control_;
  std::vector<int32_t> ready_;  // streams that were held, and may go on
  Output out_;
  uint64_t answered_ = 0;
  bool is_out_of_memory_ = false;
  bool is_flooded_ = false;
  bool draining_ = false;
  bool closing_ = false;
};

}  // namespace aios::server::protocol
