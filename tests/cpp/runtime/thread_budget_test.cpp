#include "runtime/thread_budget.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "expect_error.hpp"

namespace aios::runtime {
namespace {

using Share = ThreadBudget::Share;

// Waits, with a deadline, until another thread has made it true.
template <typename Condition>
bool soon(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  return condition();
}

TEST(BudgetSize, IsTheWishElseTheCpus) {
  EXPECT_EQ(budgetSize(nullptr, 4), 4);
  EXPECT_EQ(budgetSize("", 4), 4);
  EXPECT_EQ(budgetSize("1", 4), 1);
  EXPECT_EQ(budgetSize("16", 4), 16);
}

TEST(BudgetSize, RefusesAWishThatIsNoNumberFromOneOn) {
  for (const char* wish : {"0", "-2", "two", "2x", "1.5", "99999999999999999999"}) {
    EXPECT_AIOS_ERROR(budgetSize(wish, 4), kInvalidArgument, "AIOS_THREADS");
  }
}

TEST(ThreadBudget, CutsWhatIsAskedForToItsSize) {
  const ThreadBudget budget(3, 3);
  EXPECT_EQ(budget.cut(2), 2);
  EXPECT_EQ(budget.cut(3), 3);
  EXPECT_EQ(budget.cut(8), 3);
}

TEST(ThreadBudget, GovernsACallersOwnThreadOnlyWhereTheSystemDoesNot) {
  EXPECT_FALSE(ThreadBudget(4, 4).governs(1));
  EXPECT_FALSE(ThreadBudget(8, 4).governs(1));
  EXPECT_TRUE(ThreadBudget(3, 4).governs(1));
  EXPECT_TRUE(ThreadBudget(4, 4).governs(2));
}

TEST(ThreadBudget, LendsNoMoreThanItHas) {
  ThreadBudget budget(3, 8);
  std::atomic<int> used = 0;
  std::atomic<int> most = 0;
  std::vector<std::thread> callers;
  for (int i = 0; i < 8; ++i) {
    callers.emplace_back([&, threads = 1 + i % 3] {
      for (int call = 0; call < 2000; ++call) {
        const Share share(budget, threads);
        const int now = used += threads;
        int seen = most;
        while (seen < now && !most.compare_exchange_weak(seen, now)) {
        }
        used -= threads;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(used, 0);
  EXPECT_LE(most, 3);
}

TEST(ThreadBudget, ServesAWideCallBeforeTheNarrowOnesThatCameAfterIt) {
  ThreadBudget budget(2, 8);
  std::atomic<int> order = 0;
  int wide = 0;
  int narrow = 0;
  std::thread first;
  std::thread second;
  {
    const Share share(budget, 1);
    first = std::thread([&] {
      const Share all(budget, 2);
      wide = ++order;
    });
    ASSERT_TRUE(soon([&] { return budget.waiting() == 1; }));
    second = std::thread([&] {
      const Share one(budget, 1);
      narrow = ++order;
    });
    ASSERT_TRUE(soon([&] { return budget.waiting() == 2; }));
    EXPECT_EQ(order, 0);
  }
  first.join();
  second.join();
  EXPECT_EQ(wide, 1);
  EXPECT_EQ(narrow, 2);
}

TEST(ThreadBudget, OfAForkedChildIsWholeWhateverItsParentHolds) {
  const int size = threadBudget().size();
  const Share held(threadBudget(), size);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::alarm(20);
    const Share share(threadBudget(), threadBudget().size());
    ::_exit(threadBudget().size() == size ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace aios::runtime
