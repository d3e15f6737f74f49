#include "core/fork.hpp"

#include <gtest/gtest.h>

#include "forked.hpp"

namespace aios {
namespace {

TEST(ForkGeneration, GrowsInEveryChild) {
  const int here = forkGeneration();
  EXPECT_EQ(inForkedChild([&] { return forkGeneration() - here; }), 1);
  EXPECT_EQ(inForkedChild([&] { return inForkedChild([&] { return forkGeneration() - here; }); }),
            2);
  EXPECT_EQ(forkGeneration(), here);
}

TEST(PerProcess, KeepsAValueForThisProcessAlone) {
  static PerProcess<int> value;
  value.get() = 7;
  EXPECT_EQ(inForkedChild([] { return value.get(); }), 0);
  EXPECT_EQ(value.get(), 7);
}

}  // namespace
}  // namespace aios
