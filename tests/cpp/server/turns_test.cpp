#include "server/turns.hpp"

#include <gtest/gtest.h>

namespace aios::server {
namespace {

int turnsOf(double share, int calls) {
  const Turns turns(share);
  int taken = 0;
  for (int i = 0; i < calls; ++i) taken += turns.next() ? 1 : 0;
  return taken;
}

TEST(Turns, AreTheShareOfAllCalls) {
  EXPECT_EQ(turnsOf(0, 1000), 0);
  EXPECT_EQ(turnsOf(0.1, 1000), 100);
  EXPECT_EQ(turnsOf(0.333, 1000), 333);
  EXPECT_EQ(turnsOf(1, 1000), 1000);
}

TEST(Turns, AreSpreadEvenly) {
  const Turns turns(0.25);
  for (int i = 0; i < 12; ++i) EXPECT_EQ(turns.next(), i % 4 == 3);
}

}  // namespace
}  // namespace aios::server
