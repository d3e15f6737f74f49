#include "bundle/directory.hpp"

#include "bundle/temporary_directory.hpp"
#include "expect_error.hpp"

namespace aios::bundle {
namespace {

TEST(Directory, ReadsFromTheOneThatWasOpened) {
  const TemporaryDirectory parent;
  parent.write("m.cell/f", "old");
  const Directory opened(parent.path() / "m.cell");
  EXPECT_TRUE(opened.isStillThere());
  std::filesystem::rename(parent.path() / "m.cell", parent.path() / "aside");
  EXPECT_FALSE(opened.isStillThere());
  parent.write("m.cell/f", "new");
  EXPECT_FALSE(opened.isStillThere());
  EXPECT_EQ(opened.readSmall("f", 3), "old");
  std::ifstream through(opened.reach("f"));
  std::string content;
  through >> content;
  EXPECT_EQ(content, "old");
}

TEST(Directory, ReadsNoMoreThanIsAllowed) {
  const TemporaryDirectory parent;
  parent.write("f", "four");
  EXPECT_AIOS_ERROR(Directory(parent.path()).readSmall("f", 3), kDataLoss,
                    "it has 4 bytes, at most 3 are allowed");
}

TEST(Directory, IsRefusedWhereThereIsNone) {
  EXPECT_AIOS_ERROR(Directory(""), kInvalidArgument, "path: expected the directory of a bundle");
  EXPECT_AIOS_ERROR(Directory("/dev/zero"), kNotFound,
                    "no bundle at '/dev/zero' (Not a directory)");
}

TEST(ThoughReplaced, LoadsAgainOnlyWhereTheDirectoryIsAnother) {
  const TemporaryDirectory parent;
  const std::filesystem::path path = parent.path() / "m.cell";
  parent.write("m.cell/f", "0");
  int attempts = 0;
  const auto fail = [&](bool replaces) {
    return [&, replaces]() -> int {
      if (++attempts == 5) return 5;
      if (replaces) {
        std::filesystem::remove_all(path);
        parent.write("m.cell/f", "1");
      }
      throw Error(ErrorCode::kDataLoss, "half");
    };
  };
  EXPECT_EQ(thoughReplaced(path, fail(true)), 5);
  attempts = 0;
  EXPECT_AIOS_ERROR(thoughReplaced(path, fail(false)), kDataLoss, "half");
  EXPECT_EQ(attempts, 1);
}

}  // namespace
}  // namespace aios::bundle
