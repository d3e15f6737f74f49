#include "core/user_file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "bundle/temporary_directory.hpp"

namespace aios {
namespace {

TEST(UserFile, IsReadBackAsItWasWritten) {
  const TemporaryDirectory directory;
  const std::string path = directory.path() / "new/folder/file";
  EXPECT_EQ(readUserFile(path, 10), "");
  writeUserFile(path, "content");
  writeUserFile(path, "changed");
  EXPECT_EQ(readUserFile(path, 7), "changed");
  EXPECT_EQ(readUserFile(path, 6), "");
  const auto entries = std::filesystem::directory_iterator(directory.path() / "new/folder");
  EXPECT_EQ(std::distance(entries, std::filesystem::directory_iterator()), 1);
}

TEST(UserFile, IsAsGoodAsMissingWhereItIsNone) {
  const TemporaryDirectory directory;
  const std::string folder = directory.path() / "folder";
  std::filesystem::create_directory(folder);
  const std::string fifo = directory.path() / "fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  std::filesystem::create_symlink("/dev/zero", directory.path() / "link");
  for (const std::string& path : {folder, fifo, (directory.path() / "link").string()}) {
    EXPECT_EQ(readUserFile(path, 10), "") << path;
  }
  writeUserFile(folder, "content");
  EXPECT_TRUE(std::filesystem::is_directory(folder));
  writeUserFile(fifo, "content");
  EXPECT_EQ(readUserFile(fifo, 10), "content");
  const auto entries = std::filesystem::directory_iterator(directory.path());
  EXPECT_EQ(std::distance(entries, std::filesystem::directory_iterator()), 3);
}

}  // namespace
}  // namespace aios
