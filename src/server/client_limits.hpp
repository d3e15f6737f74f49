// How often a client, by its address, may ask, and how many connections it may have.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>

#include "server/protocol/http1.hpp"
#include "server/sockets.hpp"

namespace aios::server {

// Of one client; 0 is any number.
struct ClientRates {
  double requests_per_s = 0;
  double burst = 0;  // requests at once, before the rate counts; at least one
  std::size_t connections = 0;
};

// Shared by all I/O threads. A client is an IPv4 address or an IPv6 network of 64 bits, which is
// what a site has; who comes by a Unix socket isn't limited.
class ClientLimits {
 public:
  using Clock = std::chrono::steady_clock;
  // Addresses that are remembered; while there are as many, no other is let in.
  static constexpr std::size_t kMostClients = 1 << 16;

  explicit ClientLimits(const ClientRates& rates);

  // One more connection; false where that is too many.
  bool connect(const Peer& peer, Clock::time_point now);
  void disconnect(const Peer& peer);
  // One more request, by a token bucket: 0 where it may be answered, else the seconds to wait.
  double take(const Peer& peer, Clock::time_point now);

 private:
  using Address = std::array<uint8_t, 16>;
  struct Client {
    double tokens = 0;
    Clock::time_point filled;
    std::size_t connections = 0;
  };

  Client* find(const Peer& peer, Clock::time_point now);
  void fill(Client& client, Clock::time_point now) const;
  // Forgets who has no connection and has asked nothing for so long that it makes no difference.
  void forget(Clock::time_point now);

  const ClientRates rates_;
  std::mutex mutex_;
  std::map<Address, Client> clients_;
  Clock::time_point forgot_;
};

// The answer to a request that comes too early: 429.
protocol::HttpAnswer tooManyRequests(double wait_s);

}  // namespace aios::server
