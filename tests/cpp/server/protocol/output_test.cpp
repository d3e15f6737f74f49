#include "server/protocol/output.hpp"

#include <gtest/gtest.h>

namespace aios::server::protocol {
namespace {

TEST(Output, GivesWhatWasNotSent) {
  Output output;
  output.text() += "123456";
  output.sent(2, 100);
  output.text() += "7";
  EXPECT_EQ(output.unsent(), "34567");
  EXPECT_EQ(output.size(), 5U);
}

TEST(Output, KeepsNoMoreOfWhatWasSentThanItMay) {
  Output output;
  output.text() += "123456";
  output.sent(3, 2);
  EXPECT_EQ(output.text(), "456");
  output.sent(2, 2);
  EXPECT_EQ(output.text(), "456");
  output.sent(1, 2);
  EXPECT_EQ(output.text(), "");
}

TEST(Output, GivesLargeMemoryBackOnceAllWasSent) {
  Output output;
  output.text().assign(kKeptBytes + 1, 'x');
  output.sent(kKeptBytes + 1, 0);
  EXPECT_LT(output.text().capacity(), 100U);
}

}  // namespace
}  // namespace aios::server::protocol
