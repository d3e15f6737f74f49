#include "bundle/integrity.hpp"

#include "bundle/temporary_directory.hpp"
#include "expect_error.hpp"

namespace aios::bundle {
namespace {

// The examples of FIPS 180-4.
constexpr char kEmpty[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
constexpr char kAbc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

TEST(Sha256Hex, GivesTheStandardsDigests) {
  EXPECT_EQ(sha256Hex("", 0), kEmpty);
  EXPECT_EQ(sha256Hex("abc", 3), kAbc);
}

TEST(CheckFile, AcceptsWhatTheManifestSays) {
  const TemporaryDirectory directory;
  directory.write("a/weights.bin", "abc");
  EXPECT_NO_THROW(checkFile(directory.path(), {"a/weights.bin", 3, kAbc}, false));
  directory.write("empty", "");
  EXPECT_NO_THROW(checkFile(directory.path(), {"empty", 0, kEmpty}, false));
}

TEST(CheckFile, NamesAFileThatIsMissingCutOrChanged) {
  const TemporaryDirectory directory;
  EXPECT_AIOS_ERROR(checkFile(directory.path(), {"gone", 3, kAbc}, false), kDataLoss, "gone");
  directory.write("cut", "ab");
  EXPECT_AIOS_ERROR(checkFile(directory.path(), {"cut", 3, kAbc}, true), kDataLoss, "'cut' in '");
  directory.write("changed", "abd");
  EXPECT_AIOS_ERROR(checkFile(directory.path(), {"changed", 3, kAbc}, false), kDataLoss,
                    "expected SHA-256 ba78");
  EXPECT_NO_THROW(checkFile(directory.path(), {"changed", 3, kAbc}, true));
}

TEST(CheckFile, RefusesADirectoryInAFilesPlace) {
  const TemporaryDirectory directory;
  directory.write("d/inside", "abc");
  EXPECT_AIOS_ERROR(checkFile(directory.path(), {"d", 3, kAbc}, false), kDataLoss,
                    "isn't a regular file");
}

}  // namespace
}  // namespace aios::bundle
