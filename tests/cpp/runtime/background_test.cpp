#include "runtime/background.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <algorithm>
#include <thread>

#include "expect_error.hpp"

namespace aios::runtime {
namespace {

int niceness() { return ::getpriority(PRIO_PROCESS, 0); }

TEST(Background, LowersThePriorityOfTheWorkAndOfNothingElse) {
  const int before = niceness();
  int within = before;
  inBackground([&] { within = niceness(); });
  EXPECT_EQ(within, std::min(before + 10, 19));
  EXPECT_EQ(niceness(), before);
}

TEST(Background, OfTheBackgroundIsTheSameThread) {
  std::thread::id outer;
  std::thread::id inner;
  int before = 0;
  int within = 1;
  inBackground([&] {
    outer = std::this_thread::get_id();
    before = niceness();
    inBackground([&] {
      inner = std::this_thread::get_id();
      within = niceness();
    });
  });
  EXPECT_NE(outer, std::this_thread::get_id());
  EXPECT_EQ(inner, outer);
  EXPECT_EQ(within, before);
}

TEST(Background, RethrowsWhatTheWorkThrows) {
  EXPECT_AIOS_ERROR(inBackground([] { throw Error(ErrorCode::kDataLoss, "half a file"); }),
                    kDataLoss, "half a file");
}

TEST(Background, LeavesSignalsToTheOtherThreads) {
  sigset_t within;
  ::sigemptyset(&within);
  inBackground([&] { ::pthread_sigmask(SIG_SETMASK, nullptr, &within); });
  EXPECT_EQ(::sigismember(&within, SIGINT), 1);
  sigset_t here;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &here);
  EXPECT_EQ(::sigismember(&here, SIGINT), 0);
}

}  // namespace
}  // namespace aios::runtime
