#include "engines/trial_process.hpp"

#include <gtest/gtest.h>
#include <signal.h>

namespace aios::engines {
namespace {

using std::chrono::milliseconds;

std::optional<std::string> failureOfScript(const std::string& script,
                                           milliseconds limit = milliseconds(60000)) {
  return failureOf({"/bin/sh", "-c", script}, limit);
}

TEST(TrialProcess, SaysNothingOfWhatEndsWell) {
  EXPECT_EQ(failureOfScript("printf b; printf e"), "");
  EXPECT_EQ(failureOfScript("printf be; kill -SEGV $$"), "");  // it only doesn't end well
}

TEST(TrialProcess, NamesWhatTheProcessDiedOf) {
  EXPECT_EQ(failureOfScript("printf b; kill -SEGV $$"), "died by SIGSEGV");
  EXPECT_EQ(failureOfScript("printf b; kill -ABRT $$"), "died by SIGABRT");
  EXPECT_EQ(failureOfScript("printf b; kill -USR1 $$"), "died by signal 10");
  EXPECT_EQ(failureOfScript("printf b; exit 3"), "ended its process with exit code 3");
  EXPECT_EQ(failureOfScript("printf b; exec >&-; exit 3"), "ended its process with exit code 3");
}

TEST(TrialProcess, KillsWhatGivesNoAnswer) {
  // A busy machine may take its time before the script begins.
  std::optional<std::string> failure;
  milliseconds limit(100);
  while (!failure) {
    limit *= 2;
    failure = failureOfScript("printf b; exec sleep 1000", limit);
  }
  const auto tenths = limit.count() / 100;
  const std::string seconds =
      std::to_string(tenths / 10) + (tenths % 10 == 0 ? "" : "." + std::to_string(tenths % 10));
  EXPECT_EQ(*failure, "gave no answer for " + seconds + " s");
}

TEST(TrialProcess, TellsNothingOfWhatNeverBegan) {
  EXPECT_EQ(failureOf({"/no/such/program"}, milliseconds(60000)), std::nullopt);
  EXPECT_EQ(failureOfScript("exit 1"), std::nullopt);
}

TEST(TrialProcess, WorksWhereTheProgramIgnoresItsChildren) {
  const auto before = ::signal(SIGCHLD, SIG_IGN);
  EXPECT_EQ(failureOfScript("printf be"), "");
  EXPECT_EQ(failureOfScript("printf b; kill -SEGV $$"), "ended its process with exit code 0");
  ::signal(SIGCHLD, before);
}

}  // namespace
}  // namespace aios::engines
