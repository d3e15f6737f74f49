#include "runtime/session_pool.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "expect_error.hpp"

namespace aios::runtime {
namespace {

// Counts sessions, and callers that are in one session at the same time.
struct Counts {
  std::atomic<int> made = 0;
  std::atomic<int> overlaps = 0;
  std::atomic<bool> refuse = false;
};

class CountingSession final : public engines::Session {
 public:
  explicit CountingSession(Counts& counts) : counts_(counts) {}
  void run(Span<const TensorView> /*inputs*/, Span<TensorView> /*outputs*/) override {
    if (busy_.exchange(true)) ++counts_.overlaps;
    std::this_thread::yield();
    busy_ = false;
  }

 private:
  Counts& counts_;
  std::atomic<bool> busy_ = false;
};

class CountingModel final : public engines::Model {
 public:
  explicit CountingModel(Counts& counts) : counts_(counts) {}
  std::unique_ptr<engines::Session> newSession(const Signature& /*signature*/) const override {
    if (counts_.refuse) throw Error(ErrorCode::kInternal, "no session today");
    ++counts_.made;
    return std::make_unique<CountingSession>(counts_);
  }

 private:
  Counts& counts_;
};

TEST(SessionPool, ReusesASessionThatWasGivenBack) {
  Counts counts;
  SessionPool pool(std::make_shared<CountingModel>(counts), {}, 4);
  for (int i = 0; i < 10; ++i) pool.acquire()->run({}, {});
  EXPECT_EQ(counts.made, 1);
}

TEST(SessionPool, GivesAKeptSessionBeyondItsCapacity) {
  Counts counts;
  SessionPool pool(std::make_shared<CountingModel>(counts), {}, 1);
  {
    const SessionPool::Lease lent = pool.acquire();
    const SessionPool::KeptLease kept(pool);
    EXPECT_NE(&lent.slot(), &kept.slot());
    EXPECT_EQ(counts.made, 2);
  }
  // Both came back, and serve those who take turns.
  const SessionPool::Lease first = pool.acquire(), second = pool.acquire();
  EXPECT_EQ(counts.made, 2);
}

TEST(SessionPool, LeavesItsCapacityToThoseWhoTakeTurns) {
  Counts counts;
  SessionPool pool(std::make_shared<CountingModel>(counts), {}, 2);
  {
    const SessionPool::Lease first = pool.acquire(), second = pool.acquire();
  }
  // Both are free now: some that are kept are those, some are made.
  std::vector<std::unique_ptr<SessionPool::KeptLease>> kept;
  for (int i = 0; i < 5; ++i) kept.push_back(std::make_unique<SessionPool::KeptLease>(pool));
  const SessionPool::Lease first = pool.acquire(), second = pool.acquire();
  EXPECT_EQ(counts.made, 7);
  kept.clear();
  kept.push_back(std::make_unique<SessionPool::KeptLease>(pool));
  EXPECT_EQ(counts.made, 7);
}

TEST(SessionPool, LendsEachSessionToOneCallerAndMakesNoMoreThanItsCapacity) {
  Counts counts;
  SessionPool pool(std::make_shared<CountingModel>(counts), {}, 3);
  std::vector<std::thread> callers;
  for (int i = 0; i < 8; ++i) {
    callers.emplace_back([&] {
      for (int call = 0; call < 2000; ++call) pool.acquire()->run({}, {});
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(counts.overlaps, 0);
  EXPECT_LE(counts.made, 3);
}

TEST(SessionPool, BlocksWhenAllSessionsAreBusy) {
  Counts counts;
  SessionPool pool(std::make_shared<CountingModel>(counts), {}, 1);
  std::atomic<bool> answered = false;
  std::thread waiting;
  {
    const SessionPool::Lease lease = pool.acquire();
    waiting = std::thread([&] {
      pool.acquire()->run({}, {});
      answered = true;
    });
    for (int i = 0; i < 100; ++i) std::this_thread::yield();
    EXPECT_FALSE(answered);
  }
  waiting.join();
  EXPECT_TRUE(answered);
  EXPECT_EQ(counts.made, 1);
}

TEST(SessionPool, CanMakeASessionAfterOneFailed) {
  Counts counts;
  SessionPool pool(std::make_shared<CountingModel>(counts), {}, 1);
  counts.refuse = true;
  EXPECT_AIOS_ERROR(pool.acquire(), kInternal, "no session today");
  counts.refuse = false;
  pool.acquire()->run({}, {});
  EXPECT_EQ(counts.made, 1);
}

}  // namespace
}  // namespace aios::runtime
