#include "server/protocol/flood_guard.hpp"

#include <gtest/gtest.h>

namespace aios::server::protocol {
namespace {

int spendable(FloodGuard& guard) {
  int count = 0;
  while (guard.spend()) ++count;
  return count;
}

TEST(FloodGuard, LendsNoMoreThanABurst) {
  FloodGuard guard({10, 3, 2});
  guard.tick();
  EXPECT_EQ(spendable(guard), 10);
  EXPECT_EQ(spendable(guard), 0);
}

TEST(FloodGuard, EarnsByTimeAndAnswers) {
  FloodGuard guard({10, 3, 2});
  spendable(guard);
  guard.tick();
  EXPECT_EQ(spendable(guard), 3);
  guard.answered();
  EXPECT_EQ(spendable(guard), 2);
}

}  // namespace
}  // namespace aios::server::protocol
