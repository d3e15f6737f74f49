#include "server/sockets.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <string>

#include "expect_error.hpp"

namespace aios::server {
namespace {

// A connection to a listener at this address, as the listener sees it.
Peer peerAt(const std::string& address) {
  const Descriptor listener = listenAt(address, 0);
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  EXPECT_EQ(getsockname(listener.value(), reinterpret_cast<sockaddr*>(&storage), &size), 0);
  const Descriptor client(::socket(storage.ss_family, SOCK_STREAM, 0));
  EXPECT_EQ(::connect(client.value(), reinterpret_cast<const sockaddr*>(&storage), size), 0);
  bool exhausted = false;
  const Descriptor accepted = acceptFrom(listener, exhausted);
  EXPECT_TRUE(accepted);
  return peerOf(accepted);
}

TEST(Sockets, TellWhichClientsAreOfThisMachine) {
  const Peer peer = peerAt("127.0.0.1");
  EXPECT_TRUE(peer.is_local);
  EXPECT_FALSE(peer.is_unix);
  const std::array<uint8_t, 16> mapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 127, 0, 0, 1};
  EXPECT_EQ(peer.address, mapped);
}

TEST(Sockets, KnowNobodyAtTheOtherEndOfNothing) {
  EXPECT_FALSE(peerOf(Descriptor(::socket(AF_INET, SOCK_STREAM, 0))).is_local);
}

TEST(Sockets, MoveTheirDescriptor) {
  Descriptor first(::socket(AF_INET, SOCK_STREAM, 0));
  const int value = first.value();
  const Descriptor second(std::move(first));
  EXPECT_EQ(second.value(), value);
  EXPECT_FALSE(first);
}

TEST(Sockets, RefuseWhatIsNoAddress) {
  EXPECT_AIOS_ERROR(listenAt("localhost", 0), kInvalidArgument, "expected an address");
}

TEST(Peer, IsDescribedByItsAddress) {
  Peer peer;
  EXPECT_EQ(describe(peer), "::");
  peer.address = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 192, 0, 2, 7};
  EXPECT_EQ(describe(peer), "192.0.2.7");
  peer.address = {0x20, 0x01, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  EXPECT_EQ(describe(peer), "2001:db8::1");
  peer.is_unix = true;
  EXPECT_EQ(describe(peer), "unix");
}

}  // namespace
}  // namespace aios::server
