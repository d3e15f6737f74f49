#include "server/sockets.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>
#include <utility>

#include "aios/error.hpp"

namespace aios::server {
namespace {

constexpr int kBacklog = 1024;

using Addresses = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

Addresses resolve(const std::string& address, uint16_t port) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(address.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) {
    throw Error(ErrorCode::kInvalidArgument,
                "host: expected an address, as 127.0.0.1 or ::1, got '" + address + "'");
  }
  return Addresses(found, freeaddrinfo);
}

void turnOn(const Descriptor& socket, int level, int option) {
  const int on = 1;
  setsockopt(socket.value(), level, option, &on, sizeof on);
}

}  // namespace

Descriptor::~Descriptor() {
  if (value_ >= 0) ::close(value_);
}
Descriptor::Descriptor(Descriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  std::swap(value_, other.value_);
  return *this;
}

Peer peerOf(const Descriptor& socket) {
  constexpr std::array<uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  constexpr uint8_t kLoopback = 127;  // 127.0.0.0/8
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  Peer peer;
  if (getpeername(socket.value(), reinterpret_cast<sockaddr*>(&storage), &size) != 0) return peer;
  if (storage.ss_family == AF_INET) {
    const in_addr& address = reinterpret_cast<const sockaddr_in&>(storage).sin_addr;
    std::copy(kMapped.begin(), kMapped.end(), peer.address.begin());
    std::memcpy(&peer.address[kMapped.size()], &address, sizeof address);
  } else if (storage.ss_family == AF_INET6) {
    const in6_addr& address = reinterpret_cast<const sockaddr_in6&>(storage).sin6_addr;
    std::memcpy(peer.address.data(), &address, sizeof address);
  }
  peer.is_unix = storage.ss_family == AF_UNIX;
  const bool is_mapped = std::equal(kMapped.begin(), kMapped.end(), peer.address.begin());
  const bool is_loopback = is_mapped ? peer.address[kMapped.size()] == kLoopback
                                     : std::memcmp(peer.address.data(), &in6addr_loopback, 16) == 0;
  peer.is_local = peer.is_unix || is_loopback;
  return peer;
}

std::string describe(const Peer& peer) {
  if (peer.is_unix) return "unix";
  constexpr std::array<uint8_t, 12> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  const bool is_v4 = std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), peer.address.begin());
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(is_v4 ? AF_INET : AF_INET6, peer.address.data() + (is_v4 ? kMappedPrefix.size() : 0),
              text.data(), text.size());
  return text.data();
}

Descriptor listenAt(const std::string& address, uint16_t port) {
  const Addresses found = resolve(address, port);
  Descriptor listener(
      ::socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
  if (listener) turnOn(listener, SOL_SOCKET, SO_REUSEADDR);
  if (!listener || ::bind(listener.value(), found->ai_addr, found->ai_addrlen) != 0 ||
      ::listen(listener.value(), kBacklog) != 0) {
    throw Error(ErrorCode::kFailedPrecondition,
                "can't listen at " + address + " port " + std::to_string(port) + ": " +
                    std::generic_category().message(errno) + "; choose another port, or 0 for any");
  }
  return listener;
}

uint16_t portOf(const Descriptor& listener) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  getsockname(listener.value(), reinterpret_cast<sockaddr*>(&storage), &size);
  if (storage.ss_family == AF_INET6) {
    return ntohs(reinterpret_cast<const sockaddr_in6&>(storage).sin6_port);
  }
  return ntohs(reinterpret_cast<const sockaddr_in&>(storage).sin_port);
}

Descriptor acceptFrom(const Descriptor& listener, bool& exhausted) {
  Descriptor socket(::accept4(listener.value(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  exhausted = !socket && (errno == EMFILE || errno == ENFILE || errno == ENOMEM);
  if (socket) turnOn(socket, IPPROTO_TCP, TCP_NODELAY);
  return socket;
}

long readSome(const Descriptor& socket, char* buffer, std::size_t size) noexcept {
  const ssize_t read = ::recv(socket.value(), buffer, size, 0);
  if (read > 0) return read;
  return read < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

long writeSome(const Descriptor& socket, std::string_view bytes) noexcept {
  const ssize_t written = ::send(socket.value(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (written >= 0) return written;
  return errno == EAGAIN || errno == EINTR ? 0 : -1;
}

}  // namespace aios::server
