#include "runtime/budgeted_model.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace aios::runtime {
namespace {

// Counts the calls that run at once.
class Crowd final : public engines::Model {
 public:
  std::unique_ptr<engines::Session> newSession(const Signature& /*signature*/) const override {
    return std::make_unique<Member>(*this);
  }
  mutable std::atomic<int> inside = 0;
  mutable std::atomic<int> most = 0;

 private:
  class Member final : public engines::Session {
   public:
    explicit Member(const Crowd& crowd) : crowd_(crowd) {}
    void run(Span<const TensorView> /*inputs*/, Span<TensorView> /*outputs*/) override {
      const int now = ++crowd_.inside;
      int seen = crowd_.most;
      while (seen < now && !crowd_.most.compare_exchange_weak(seen, now)) {
      }
      std::this_thread::yield();
      --crowd_.inside;
      staged_bytes_ += 3;
    }

   private:
    const Crowd& crowd_;
  };
};

int mostAtOnce(int threads, ThreadBudget& budget) {
  const auto crowd = std::make_shared<Crowd>();
  const auto model = budgeted(crowd, threads, budget);
  std::vector<std::thread> callers;
  for (int i = 0; i < 6; ++i) {
    callers.emplace_back([&, bound = i % 2 == 0] {
      const auto session = model->newSession({});
      session->bind({}, {});
      for (int call = 0; call < 500; ++call) bound ? session->runBound() : session->run({}, {});
      EXPECT_EQ(session->stagedBytes(), 1500U);
    });
  }
  for (std::thread& caller : callers) caller.join();
  return crowd->most;
}

TEST(BudgetedModel, RunsAsManyCallsAtOnceAsTheBudgetHasThreadsFor) {
  ThreadBudget budget(4, 4);
  EXPECT_EQ(mostAtOnce(4, budget), 1);
  EXPECT_EQ(mostAtOnce(3, budget), 1);
  EXPECT_LE(mostAtOnce(2, budget), 2);
}

TEST(BudgetedModel, TakesTurnsOnOneThreadWhereTheBudgetIsSmallerThanTheMachine) {
  ThreadBudget budget(1, 4);
  EXPECT_EQ(mostAtOnce(1, budget), 1);
}

TEST(BudgetedModel, IsTheModelItselfWhereCallsNeedNoShare) {
  ThreadBudget budget(4, 4);
  const std::shared_ptr<const engines::Model> crowd = std::make_shared<Crowd>();
  EXPECT_EQ(budgeted(crowd, 1, budget), crowd);
  EXPECT_NE(budgeted(crowd, 2, budget), crowd);
}

}  // namespace
}  // namespace aios::runtime
