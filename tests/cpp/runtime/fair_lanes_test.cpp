#include "runtime/fair_lanes.hpp"

#include <gtest/gtest.h>

#include <new>
#include <string>

#include "scarce_memory.hpp"

namespace aios::runtime {
namespace {

class Lanes : public testing::Test {
 protected:
  bool push(char lane, const std::string& item, int64_t priority = Urgency::kUsual,
            std::size_t most = 100) {
    std::string owned = item;
    Urgency urgency;
    urgency.priority = priority;
    return lanes.push(lane, std::move(owned), urgency, most);
  }
  // Serves the lane whose turn it is; an item takes so many µs.
  std::string serve(double us) {
    const char lane = *lanes.next();
    std::string item = *lanes.take(lane);
    lanes.charge(lane, us);
    return item;
  }

  FairLanes<char, std::string> lanes;
};

TEST_F(Lanes, GiveTheOldestOfTheLowestPriorityNumberFirst) {
  push('a', "third");
  push('a', "first", 1);
  push('a', "fourth");
  push('a', "second", 1);
  push('a', "last", 200);
  for (const char* expected : {"first", "second", "third", "fourth", "last"}) {
    EXPECT_EQ(*lanes.take('a'), expected);
  }
  EXPECT_TRUE(lanes.empty());
  EXPECT_FALSE(lanes.take('a').has_value());
}

// Can't be copied while there is no room.
struct Heavy {
  Heavy() = default;
  Heavy(const Heavy& /*other*/) {
    if (has_no_room) throw std::bad_alloc();
  }
  Heavy& operator=(const Heavy&) = default;
  ~Heavy() = default;

  static inline bool has_no_room = false;
};

TEST(LanesWithoutMemory, AreAsTheyWereBeforeAnItemThatCouldNotBeAdded) {
  FairLanes<char, Heavy> lanes;
  EXPECT_TRUE(lanes.push('b', Heavy(), {1}, 9));
  for (const char lane : {'a', 'b'}) {
    Heavy::has_no_room = true;
    EXPECT_THROW(lanes.push(lane, Heavy(), {0}, 9), std::bad_alloc);
    Heavy::has_no_room = false;
    EXPECT_FALSE(lanes.take('a').has_value());
  }
  EXPECT_EQ(lanes.size(), 1U);
  EXPECT_EQ(*lanes.next(), 'b');
  EXPECT_TRUE(lanes.take('b').has_value());
  EXPECT_FALSE(lanes.take('b').has_value());
  EXPECT_EQ(lanes.next(), nullptr);
}

TEST_F(Lanes, GiveTheirLastItemAlsoWhereThereIsNoMemoryToRememberThem) {
  if (!canMakeMemoryScarce()) GTEST_SKIP() << "sanitizers allocate by themselves";
  push('a', "a");
  push('b', "b");
  failNextAllocation();
  const std::optional<std::string> taken = lanes.take('a');
  EXPECT_TRUE(allocationFailed());
  EXPECT_EQ(taken.value_or(""), "a");
  EXPECT_EQ(lanes.size('a'), 0U);
  EXPECT_EQ(serve(1), "b");
  EXPECT_EQ(lanes.next(), nullptr);
}

TEST_F(Lanes, RefuseWhatIsTooMuchForOneOfThem) {
  EXPECT_TRUE(push('a', "1", 0, 2));
  EXPECT_TRUE(push('a', "2", 5, 2));
  EXPECT_FALSE(push('a', "3", 0, 2));
  EXPECT_TRUE(push('b', "4", 0, 2));
  EXPECT_EQ(lanes.size('a'), 2U);
  EXPECT_EQ(lanes.size(), 3U);
}

TEST_F(Lanes, ShareTimeAndNotTurns) {
  for (int i = 0; i < 20; ++i) {
    push('s', "slow");
    push('f', "fast");
  }
  int slow = 0, fast = 0;
  for (int i = 0; i < 22; ++i) {
    const bool is_slow = *lanes.next() == 's';
    serve(is_slow ? 1000 : 100);
    ++(is_slow ? slow : fast);
  }
  EXPECT_EQ(slow, 2);
  EXPECT_EQ(fast, 20);
}

TEST_F(Lanes, SaveUpNoTimeWhileTheyAreEmpty) {
  push('a', "a");
  for (int i = 0; i < 5; ++i) push('b', "b");
  serve(1);
  serve(1000);
  serve(1000);
  // It starts where the one that waited is, and not 2000 µs behind.
  push('a', "a");
  push('a', "a");
  EXPECT_EQ(serve(10), "a");
  EXPECT_EQ(serve(1000), "b");
}

TEST_F(Lanes, AreChargedForWhatTheyHadAlsoOnceTheyAreEmpty) {
  push('a', "a");
  push('b', "b");
  push('b', "b");
  EXPECT_EQ(serve(5000), "a");
  push('a', "a");
  EXPECT_EQ(serve(1), "b");
  EXPECT_EQ(serve(1), "b");
  EXPECT_EQ(serve(1), "a");
}

TEST_F(Lanes, GiveUpWhatNobodyWaitsFor) {
  push('a', "keep 1");
  push('a', "gone", 1);
  push('a', "keep 2");
  push('b', "gone");
  const auto removed = lanes.remove([](const std::string& item) { return item == "gone"; });
  EXPECT_EQ(removed.size(), 2U);
  EXPECT_EQ(lanes.size(), 2U);
  EXPECT_EQ(lanes.size('b'), 0U);
  EXPECT_EQ(*lanes.take('a'), "keep 1");
  EXPECT_EQ(*lanes.take('a'), "keep 2");
}

}  // namespace
}  // namespace aios::runtime
