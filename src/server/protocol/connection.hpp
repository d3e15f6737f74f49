// One client's connection without its socket: bytes in, bytes out. What it speaks is up to those
// who implement it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <variant>

#include "server/protocol/grpc.hpp"
#include "server/protocol/http1.hpp"

namespace aios::server::protocol {

// In the form of the request that it answers.
using Answer = std::variant<HttpAnswer, GrpcAnswer>;

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
  // The same for a call by gRPC.
  virtual bool call(const GrpcRequest& request, GrpcAnswer& answer) = 0;
  // Whether a request is refused by its head, before its body has come; fills the answer.
  virtual bool refuses(const HttpRequest& /*head*/, HttpAnswer& /*answer*/) { return false; }
  // The same of a call by gRPC, whose messages have not come.
  virtual bool refusesCall(const GrpcRequest& /*head*/, GrpcAnswer& /*answer*/) { return false; }
  // How a method of gRPC answers, by its path.
  virtual GrpcKind kindOf(std::string_view /*path*/) const noexcept { return GrpcKind::kUnary; }
};

// For one thread.
class Connection {
 public:
  Connection() = default;
  virtual ~Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Bytes that came from the client.
  virtual void feed(std::string_view bytes) = 0;
  // The answer to a request that the service took, by its number; false, and of no effect, where
  // nobody waits for it any more.
  virtual bool complete(uint64_t request, Answer&& answer) = 0;
  // To be called about every second.
  virtual void tick(Clock::time_point /*now*/) {}
  // The client took too long: says so, where it began a request, and closes.
  virtual void timeOut() = 0;
  // Ends the connection at once where no request is under way, else after the last answer.
  virtual void drain() = 0;
  // Another protocol's connection, if that is what the client turned out to speak: it takes this
  // one's place.
  virtual std::unique_ptr<Connection> takeSuccessor() { return nullptr; }

  // What the client has to be sent, and that so many bytes of it were.
  virtual std::string_view output() const noexcept = 0;
  virtual void sent(std::size_t bytes) = 0;

  // Whether a request waits for its answer.
  virtual bool isWaiting() const noexcept = 0;
  // Requests so far.
  virtual uint64_t answered() const noexcept = 0;
  // Whether more input is wanted now.
  virtual bool wantsInput() const noexcept = 0;
  // Whether a part of a request has come, and the rest is missing.
  virtual bool isMidRequest() const noexcept = 0;
  // Nothing more is read; the socket closes when the output was sent.
  virtual bool isClosing() const noexcept = 0;
};

}  // namespace aios::server::protocol
