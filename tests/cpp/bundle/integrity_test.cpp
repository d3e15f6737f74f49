#include "bundle/integrity.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

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

class CheckFile : public testing::Test {
 protected:
  CheckFile() : directory_(temporary_.path()) {}
  const TemporaryDirectory temporary_;
  const Directory directory_;
};

TEST_F(CheckFile, AcceptsWhatTheManifestSays) {
  temporary_.write("a/weights.bin", "abc");
  EXPECT_NO_THROW(checkFile(directory_, {"a/weights.bin", 3, kAbc}, false));
  temporary_.write("empty", "");
  EXPECT_NO_THROW(checkFile(directory_, {"empty", 0, kEmpty}, false));
}

TEST_F(CheckFile, NamesAFileThatIsMissingCutOrChanged) {
  EXPECT_AIOS_ERROR(checkFile(directory_, {"gone", 3, kAbc}, false), kDataLoss, "gone");
  temporary_.write("cut", "ab");
  EXPECT_AIOS_ERROR(checkFile(directory_, {"cut", 3, kAbc}, true), kDataLoss, "'cut' in '");
  temporary_.write("changed", "abd");
  EXPECT_AIOS_ERROR(checkFile(directory_, {"changed", 3, kAbc}, false), kDataLoss,
                    "expected SHA-256 ba78");
  EXPECT_NO_THROW(checkFile(directory_, {"changed", 3, kAbc}, true));
}

TEST_F(CheckFile, RefusesAtOnceWhatIsNoRegularFile) {
  const auto refused = [&](const char* name, const char* why) {
    EXPECT_AIOS_ERROR(checkFile(directory_, {name, 3, kAbc}, true), kDataLoss, why);
  };
  temporary_.write("d/inside", "abc");
  refused("d", "isn't a regular file but a directory");
  ASSERT_EQ(::mkfifo((temporary_.path() / "fifo").c_str(), 0600), 0);
  refused("fifo", "isn't a regular file but a FIFO");
  std::filesystem::create_symlink("/dev/zero", temporary_.path() / "link");
  refused("link", "it is reached by a symbolic link");
  std::filesystem::create_directory_symlink("d", temporary_.path() / "linked");
  refused("linked/inside", "it is reached by a symbolic link");
  const int opened = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string place = temporary_.path() / "socket";
  place.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(opened, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  refused("socket", "isn't a regular file but a socket");
  ::close(opened);
  const Directory devices("/dev");
  EXPECT_AIOS_ERROR(checkFile(devices, {"zero", 3, kAbc}, true), kDataLoss,
                    "isn't a regular file but a device");
}

TEST_F(CheckFile, TellsWhenAFileIsWrittenToLater) {
  temporary_.write("a", "abc");
  const FileIdentity checked = checkFile(directory_, {"a", 3, kAbc}, false);
  EXPECT_NO_THROW(requireUnchanged(directory_, "a", checked));
  // Another one in its place, of the same size and content.
  temporary_.write("b", "abc");
  std::filesystem::rename(temporary_.path() / "b", temporary_.path() / "a");
  EXPECT_AIOS_ERROR(requireUnchanged(directory_, "a", checked), kDataLoss,
                    "it was written to after it had been checked");
}

}  // namespace
}  // namespace aios::bundle
