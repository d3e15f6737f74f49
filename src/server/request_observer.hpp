// Stands between a thread's connections and its dispatcher, and logs what becomes of each request.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "server/dispatcher.hpp"
#include "server/request_log.hpp"

namespace aios::server {

// For one I/O thread.
class RequestObserver : public protocol::Service {
 public:
  // Both outlive it.
  RequestObserver(Dispatcher& dispatcher, RequestLog& log) : dispatcher_(dispatcher), log_(log) {}

  // Whose requests come next. The peer outlives them.
  void setConnection(uint64_t connection, const Peer& peer) {
    connection_ = connection;
    peer_ = &peer;
  }

  bool answer(const protocol::HttpRequest& request, protocol::HttpAnswer& answer) override;
  bool call(const protocol::GrpcRequest& request, protocol::GrpcAnswer& answer) override;
  bool refuses(const protocol::HttpRequest& head, protocol::HttpAnswer& answer) override;
  bool refusesCall(const protocol::GrpcRequest& head, protocol::GrpcAnswer& answer) override;
  protocol::GrpcKind kindOf(std::string_view path) const noexcept override {
    return dispatcher_.kindOf(path);
  }
  // A request of a connection that was answered later.
  void complete(uint64_t connection, uint64_t request, const protocol::Answer& answer);
  // A connection that ended: nobody waits for its answers any more.
  void forget(uint64_t connection);

 private:
  using Clock = std::chrono::steady_clock;
  struct Pending {
    uint64_t request = 0;  // its number on the connection
    Clock::time_point begin = Clock::now();
    FinishedRequest known;
    protocol::CancelFlag given_up;  // by its client; null where nobody can tell
  };

  struct Result {
    int status = 0;
    std::size_t bytes = 0;
  };

  static Pending begin(const protocol::Waiter& waiter);
  static void know(const protocol::HttpRequest& request, Pending& pending);
  static void know(const protocol::GrpcRequest& request, Pending& pending);
  static Result resultOf(const protocol::HttpAnswer& answer) noexcept;
  static Result resultOf(const protocol::GrpcAnswer& answer) noexcept;
  // Does something; where there is no memory for that, the request has no line, which is counted.
  template <typename Note>
  void orDrop(const Note& note) noexcept;
  // What the dispatcher was given last; without a result it is answered later.
  void note(Pending&& pending, const std::optional<Result>& result);
  void finish(Pending&& pending, const Result& result);
  // Of one that nobody will answer.
  void finishUnanswered(Pending&& pending) noexcept;
  void finishGivenUp(std::vector<Pending>& waiting) noexcept;

  Dispatcher& dispatcher_;
  RequestLog& log_;
  uint64_t connection_ = 0;
  const Peer* peer_ = nullptr;
  std::unordered_map<uint64_t, std::vector<Pending>> waiting_;  // by connection
};

}  // namespace aios::server
