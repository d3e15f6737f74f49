// Sockets of a server, as descriptors that close themselves.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace aios::server {

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int value) noexcept : value_(value) {}
  ~Descriptor();
  Descriptor(Descriptor&& other) noexcept;
  Descriptor& operator=(Descriptor&& other) noexcept;

  int value() const noexcept { return value_; }
  explicit operator bool() const noexcept { return value_ >= 0; }

 private:
  int value_ = -1;
};

// The other end of a connection.
struct Peer {
  std::array<uint8_t, 16> address{};  // IPv6, or IPv4 as "::ffff:a.b.c.d"
  bool is_local = false;              // by a loopback address or a Unix socket
  bool is_unix = false;               // by a Unix socket: it has no address
};
Peer peerOf(const Descriptor& socket);
// "127.0.0.1", "::1" or "unix".
std::string describe(const Peer& peer);

// A listening socket at a numeric address and port; 0: any free one. Throws InvalidArgument for
// what isn't an address, FailedPrecondition where it can't be had.
Descriptor listenAt(const std::string& address, uint16_t port);
uint16_t portOf(const Descriptor& listener);
// A connection that waits at a listener, if there is one. `exhausted` says that there are no
// descriptors left.
Descriptor acceptFrom(const Descriptor& listener, bool& exhausted);

// Bytes that were moved; 0 where nothing can be now; -1 where the other end is gone.
long readSome(const Descriptor& socket, char* buffer, std::size_t size) noexcept;
long writeSome(const Descriptor& socket, std::string_view bytes) noexcept;

}  // namespace aios::server
