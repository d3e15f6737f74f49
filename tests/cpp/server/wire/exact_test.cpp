#include "server/wire/exact.hpp"

#include <gtest/gtest.h>

namespace aios::server::wire {
namespace {

TEST(Exact, TellsWhichTypesHoldAnInteger) {
  EXPECT_TRUE(holds<int8_t>(-128));
  EXPECT_FALSE(holds<int8_t>(128));
  EXPECT_TRUE(holds<uint64_t>(std::numeric_limits<int64_t>::max()));
  EXPECT_FALSE(holds<uint64_t>(-1));
  EXPECT_TRUE(holds<float>(1 << 24));
  EXPECT_FALSE(holds<float>((1 << 24) + 1));
  EXPECT_FALSE(holds<bool>(2));
}

}  // namespace
}  // namespace aios::server::wire
