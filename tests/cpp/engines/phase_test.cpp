#include "engines/phase.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <string>

namespace aios::engines {
namespace {

// What another process would read.
class Listener {
 public:
  Listener() : file_(std::tmpfile()) { reportPhases(::fileno(file_)); }
  ~Listener() {
    reportPhases(-1);
    std::fclose(file_);
  }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  std::string phase() const {
    char text[32] = {};
    EXPECT_GT(::pread(::fileno(file_), text, sizeof text - 1, 0), 0);
    return text;
  }

 private:
  std::FILE* file_;
};

TEST(Phase, IsToldUntilTheEndOfItsScope) {
  const Listener listener;
  EXPECT_EQ(listener.phase(), "answering");
  {
    const Phase opening("opening");
    EXPECT_EQ(listener.phase(), "opening");
    {
      const Phase compiling("compiling");
      EXPECT_EQ(listener.phase(), "compiling");
    }
    EXPECT_EQ(listener.phase(), "opening");
  }
  EXPECT_EQ(listener.phase(), "answering");
}

TEST(Phase, IsToldToNobodyAtFirst) {
  const Phase reading("reading");
  const Listener listener;
  EXPECT_EQ(listener.phase(), "reading");
}

}  // namespace
}  // namespace aios::engines
