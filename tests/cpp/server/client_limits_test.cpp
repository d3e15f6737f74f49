#include "server/client_limits.hpp"

#include <gtest/gtest.h>

#include "expect_error.hpp"

namespace aios::server {
namespace {

using Clock = ClientLimits::Clock;

Peer v4(uint8_t last) {
  Peer peer;
  peer.address = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 203, 0, 113, last};
  return peer;
}

Peer v6(uint8_t network, uint8_t host) {
  Peer peer;
  peer.address = {0x20, 0x01, 0, 0, 0, 0, 0, network, 0, 0, 0, 0, 0, 0, 0, host};
  return peer;
}

const Clock::time_point kStart{std::chrono::hours(1)};
Clock::time_point after(double seconds) {
  return kStart +
         std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

TEST(ClientLimits, LetsABurstThroughAndThenTheRate) {
  ClientLimits limits({10, 3, 0});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(limits.take(v4(1), kStart), 0);
  EXPECT_DOUBLE_EQ(limits.take(v4(1), kStart), 0.1);
  EXPECT_EQ(limits.take(v4(1), after(0.1)), 0);
  EXPECT_GT(limits.take(v4(1), after(0.1)), 0);
}

TEST(ClientLimits, AClientThatWasQuietHasNoMoreThanItsBurst) {
  ClientLimits limits({10, 2, 0});
  EXPECT_EQ(limits.take(v4(1), kStart), 0);
  EXPECT_EQ(limits.take(v4(1), after(1000)), 0);
  EXPECT_EQ(limits.take(v4(1), after(1000)), 0);
  EXPECT_GT(limits.take(v4(1), after(1000)), 0);
}

TEST(ClientLimits, EveryAddressHasItsOwnAndAnIpv6NetworkHasOne) {
  ClientLimits limits({1, 1, 0});
  EXPECT_EQ(limits.take(v4(1), kStart), 0);
  EXPECT_EQ(limits.take(v4(2), kStart), 0);
  EXPECT_EQ(limits.take(v6(1, 1), kStart), 0);
  EXPECT_GT(limits.take(v6(1, 2), kStart), 0);
  EXPECT_EQ(limits.take(v6(2, 1), kStart), 0);
}

TEST(ClientLimits, CountsConnections) {
  ClientLimits limits({0, 0, 2});
  EXPECT_TRUE(limits.connect(v4(1), kStart));
  EXPECT_TRUE(limits.connect(v4(1), kStart));
  EXPECT_FALSE(limits.connect(v4(1), kStart));
  EXPECT_TRUE(limits.connect(v4(2), kStart));
  limits.disconnect(v4(1));
  EXPECT_TRUE(limits.connect(v4(1), kStart));
  EXPECT_EQ(limits.take(v4(1), kStart), 0);
}

TEST(ClientLimits, AUnixSocketHasNone) {
  ClientLimits limits({1, 1, 1});
  Peer peer;
  peer.is_unix = true;
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(limits.take(peer, kStart), 0);
    EXPECT_TRUE(limits.connect(peer, kStart));
  }
}

TEST(ClientLimits, RemembersSoManyAddressesAndForgetsThoseThatAreQuiet) {
  ClientLimits limits({1, 1, 0});
  Peer peer = v4(0);
  for (std::size_t i = 0; i < ClientLimits::kMostClients; ++i) {
    peer.address[13] = static_cast<uint8_t>(i >> 8);
    peer.address[14] = static_cast<uint8_t>(i);
    ASSERT_EQ(limits.take(peer, kStart), 0);
  }
  EXPECT_GT(limits.take(v6(9, 9), kStart), 0);
  EXPECT_EQ(limits.take(v6(9, 9), after(2)), 0);
}

TEST(ClientLimits, RefusesARateThatIsNone) {
  EXPECT_AIOS_ERROR(ClientLimits({-1, 0, 0}), kInvalidArgument, "expected 0 or more");
}

TEST(ClientLimits, TheRefusalSaysWhenToComeAgainInWholeSeconds) {
  EXPECT_EQ(tooManyRequests(0.1).status, 429);
  EXPECT_EQ(tooManyRequests(0.1).headers, "Retry-After: 1\r\n");
  EXPECT_EQ(tooManyRequests(1.5).headers, "Retry-After: 2\r\n");
}

}  // namespace
}  // namespace aios::server
