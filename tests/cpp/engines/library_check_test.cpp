#include "engines/library_check.hpp"

#include "bundle/temporary_directory.hpp"
#include "environment.hpp"
#include "expect_error.hpp"

namespace aios::engines {
namespace {

// A file that stands for a vendor's library, and what is done with it: a shell's command, which is
// given the engine and the library.
class LibraryCheck : public testing::Test {
 protected:
  LibraryCheck() : cache_("XDG_CACHE_HOME", (files_.path() / "cache").c_str()) {
    files_.write("lib.so", "a library");
  }
  ~LibraryCheck() override { setLibraryCheck({}); }

  void tryWith(const std::string& command) const { setLibraryCheck({"/bin/sh", "-c", command}); }
  std::string library() const { return files_.path() / "lib.so"; }
  bool wasTried() const { return std::filesystem::exists(files_.path() / "tried"); }
  std::string trying(const std::string& command) const {
    return "printf b; touch " + (files_.path() / "tried").string() + "; " + command;
  }

  const TemporaryDirectory files_;
  const WithVariable cache_;
};

TEST_F(LibraryCheck, RefusesOneThatEndsTheProcessThatTriesIt) {
  tryWith(trying("kill -SEGV $$"));
  for (int attempt = 0; attempt < 2; ++attempt) {
    EXPECT_AIOS_ERROR(requireHarmless("abacus", "Abacus", library()), kUnsupported,
                      "Abacus died by SIGSEGV when its library '" + library() + "' was tried");
    EXPECT_EQ(wasTried(), attempt == 0);
    std::filesystem::remove(files_.path() / "tried");
  }
}

TEST_F(LibraryCheck, RemembersOneThatDoesWell) {
  tryWith(trying("printf e"));
  requireHarmless("abacus", "Abacus", library());
  EXPECT_TRUE(wasTried());
  EXPECT_FALSE(std::filesystem::is_empty(files_.path() / "cache/aios/libraries"));
}

TEST_F(LibraryCheck, TriesNoneThatIsKnownGoodOrThatTheLoaderFinds) {
  tryWith(trying("kill -SEGV $$"));
  rememberHarmless(library());
  requireHarmless("abacus", "Abacus", library());
  requireHarmless("abacus", "Abacus", "libabacus.so");
  requireHarmless("abacus", "Abacus", files_.path() / "gone.so");
  EXPECT_FALSE(wasTried());
}

TEST_F(LibraryCheck, TakesItsCommandFromTheEnvironmentToo) {
  files_.write("check.sh", trying("kill -KILL $$"));
  const std::string command = "/bin/sh " + (files_.path() / "check.sh").string();
  const WithVariable check("AIOS_LIBRARY_CHECK", command.c_str());
  EXPECT_AIOS_ERROR(requireHarmless("abacus", "Abacus", library()), kUnsupported,
                    "Abacus died by SIGKILL");
}

TEST_F(LibraryCheck, PassesNoJudgementWhereTheTrialNeverBegan) {
  setLibraryCheck({"/nowhere/check"});
  EXPECT_NO_THROW(requireHarmless("abacus", "Abacus", library()));
}

}  // namespace
}  // namespace aios::engines
