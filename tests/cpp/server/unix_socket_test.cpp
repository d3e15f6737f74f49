#include "server/unix_socket.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include "expect_error.hpp"

namespace aios::server {
namespace {

class UnixSocketTest : public ::testing::Test {
 protected:
  UnixSocketTest() {
    std::string name = (std::filesystem::temp_directory_path() / "aios.XXXXXX").string();
    folder = ::mkdtemp(name.data());
    path = folder / "s";
  }
  ~UnixSocketTest() override { std::filesystem::remove_all(folder); }

  bool canConnect() const {
    const Descriptor client(::socket(AF_UNIX, SOCK_STREAM, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(&address.sun_path[0], path.c_str());
    return ::connect(client.value(), reinterpret_cast<const sockaddr*>(&address), sizeof address) ==
           0;
  }
  mode_t mode() const {
    struct stat status{};
    EXPECT_EQ(::lstat(path.c_str(), &status), 0);
    return status.st_mode & 0777;
  }

  std::filesystem::path folder;
  std::filesystem::path path;
};

TEST_F(UnixSocketTest, ListensForItsOwnerAloneWhateverTheUmaskAndGoesWithItsFile) {
  const mode_t before = ::umask(0077);
  {
    const UnixListener group = listenAtPath(path, 0660);
    ::umask(before);
    EXPECT_EQ(mode(), 0660U);
    EXPECT_TRUE(canConnect());
  }
  EXPECT_FALSE(std::filesystem::exists(path));
  const UnixListener own = listenAtPath(path, 0600);
  EXPECT_EQ(mode(), 0600U);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder), {}), 1);
}

TEST_F(UnixSocketTest, AClientOfOneIsLocal) {
  const UnixListener listener = listenAtPath(path, 0600);
  ASSERT_TRUE(canConnect());
  bool exhausted = false;
  const Peer peer = peerOf(acceptFrom(listener.socket, exhausted));
  EXPECT_TRUE(peer.is_local);
  EXPECT_TRUE(peer.is_unix);
}

TEST_F(UnixSocketTest, ReplacesASocketThatNobodyListensAt) {
  UnixListener dead = listenAtPath(path, 0600);
  dead.file.release();
  dead.socket = Descriptor();
  ASSERT_FALSE(canConnect());
  const UnixListener listener = listenAtPath(path, 0600);
  EXPECT_TRUE(canConnect());
}

TEST_F(UnixSocketTest, LeavesTheSocketOfAnotherServer) {
  const UnixListener first = listenAtPath(path, 0600);
  EXPECT_AIOS_ERROR(listenAtPath(path, 0600), kFailedPrecondition, "another server listens there");
  EXPECT_TRUE(canConnect());
}

TEST_F(UnixSocketTest, LeavesAFileThatIsNoSocket) {
  std::ofstream(path) << "mine";
  EXPECT_AIOS_ERROR(listenAtPath(path, 0600), kFailedPrecondition, "a file that is no socket");
  EXPECT_EQ(std::filesystem::file_size(path), 4U);
}

TEST_F(UnixSocketTest, LeavesWhatWasPutInItsPlace) {
  {
    const UnixListener listener = listenAtPath(path, 0600);
    std::filesystem::remove(path);
    std::ofstream(path) << "another";
  }
  EXPECT_TRUE(std::filesystem::exists(path));
}

TEST_F(UnixSocketTest, RefusesAPathThatNoAddressHolds) {
  EXPECT_AIOS_ERROR(listenAtPath(folder / std::string(120, 'x'), 0600), kInvalidArgument,
                    "expected a path of 1 to");
  EXPECT_AIOS_ERROR(listenAtPath("", 0600), kInvalidArgument, "expected a path");
  EXPECT_AIOS_ERROR(listenAtPath(folder / "none" / "s", 0600), kFailedPrecondition, "No such file");
}

}  // namespace
}  // namespace aios::server
