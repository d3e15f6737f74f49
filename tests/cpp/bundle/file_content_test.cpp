#include "bundle/file_content.hpp"

#include "bundle/temporary_directory.hpp"
#include "expect_error.hpp"

namespace aios::bundle {
namespace {

TEST(FileContent, IsACopyThatOutlivesTheFile) {
  const TemporaryDirectory parent;
  parent.write("f", "before");
  const Directory directory(parent.path());
  const FileContent copied = FileContent::copied(directory, "f");
  const FileContent read = FileContent::forReading(directory, "f");
  parent.write("f", "after!");
  EXPECT_EQ(copied.text(), "before");
  EXPECT_EQ(read.text(), "before");
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(copied.data()) % 4096, 0U);
}

TEST(FileContent, MayBeOfNothing) {
  const TemporaryDirectory parent;
  parent.write("empty", "");
  EXPECT_EQ(FileContent::copied(Directory(parent.path()), "empty").size(), 0U);
}

TEST(FileContent, LiesInLargePagesWhereItIsLarge) {
  const TemporaryDirectory parent;
  parent.write("large", std::string(std::size_t{4} << 20, 'x') + "end");
  const FileContent content = FileContent::copied(Directory(parent.path()), "large");
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(content.data()) % (2 << 20), 0U);
  EXPECT_EQ(content.text().substr(std::size_t{4} << 20), "end");
}

TEST(FileContent, NamesAFileThatCannotBeRead) {
  const TemporaryDirectory parent;
  EXPECT_AIOS_ERROR(FileContent::copied(Directory(parent.path()), "gone"), kDataLoss, "'gone'");
}

}  // namespace
}  // namespace aios::bundle
