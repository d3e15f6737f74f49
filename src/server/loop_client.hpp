// One client of an I/O thread: its socket, what it speaks, and how far it is.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <memory>
#include <utility>

#include "server/loop.hpp"
#include "server/protocol/http1_connection.hpp"
#include "server/tls.hpp"

namespace aios::server {

struct Loop::Client {
  Client(Descriptor from, const Peer& other_end, std::unique_ptr<TlsStream> secured,
         uint64_t number, protocol::Service& service, const LoopLimits& limits,
         Clock::time_point now)
      : socket(std::move(from)),
        peer(other_end),
        tls(std::move(secured)),
        id(number),
        connection(std::make_unique<protocol::Http1Connection>(service, limits.http)),
        active(now),
        began(now) {}
  // The client is told even where a forked child still holds the socket.
  ~Client() { ::shutdown(socket.value(), SHUT_RDWR); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Whether there is something to send.
  bool hasOutput() const noexcept {
    return !connection->output().empty() || (tls != nullptr && !tls->output().empty());
  }
  bool isMidway() const noexcept {
    return connection->isMidRequest() || (tls != nullptr && !tls->isEstablished());
  }

  Descriptor socket;
  const Peer peer;
  const std::unique_ptr<TlsStream> tls;  // null: without
  const uint64_t id;
  std::unique_ptr<protocol::Connection> connection;
  Clock::time_point active;  // bytes moved, or a request was answered
  Clock::time_point began;   // the request, or the handshake, that is coming
  uint64_t answered = 0;     // requests before that one
  uint32_t watched = 0;      // what epoll waits for
  bool ended = false;        // the client sends nothing more
  bool lingering = false;    // it was told that this is all
};

}  // namespace aios::server
