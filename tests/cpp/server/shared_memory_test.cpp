#include "server/shared_memory.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <limits>
#include <string>

#include "expect_error.hpp"

namespace aios::server {
namespace {

// A file of shared memory with the numbers 0 to 9 as letters, which goes with this.
class SharedMemoryTest : public ::testing::Test {
 protected:
  SharedMemoryTest() : file(::shm_open(key.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600)) {
    EXPECT_EQ(::pwrite(file.value(), "0123456789", 10, 0), 10);
  }
  ~SharedMemoryTest() override { ::shm_unlink(key.c_str()); }

  const std::string key = "/aios_test_" + std::to_string(::getpid());
  const Descriptor file;
  SharedMemory memory;
};

TEST_F(SharedMemoryTest, ReadsAndWritesAPieceOfIt) {
  memory.add({"in", key, 2, 5});
  const auto region = memory.find("in");
  EXPECT_EQ(region->read(0, 5), "23456");
  EXPECT_EQ(region->read(4, 1), "6");
  region->write(1, "xy");
  std::string all(10, ' ');
  EXPECT_EQ(::pread(file.value(), all.data(), 10, 0), 10);
  EXPECT_EQ(all, "012xy56789");
}

TEST_F(SharedMemoryTest, KeepsToThePiece) {
  constexpr uint64_t kLargest = std::numeric_limits<uint64_t>::max();
  memory.add({"in", key, 2, 5});
  const auto region = memory.find("in");
  for (const auto& [offset, bytes] : {std::pair<uint64_t, uint64_t>{0, 6},
                                      {5, 1},
                                      {6, 0},
                                      {kLargest, 2},
                                      {2, kLargest},
                                      {kLargest, kLargest}}) {
    EXPECT_AIOS_ERROR(region->read(offset, bytes), kInvalidArgument, "Invalid offset + byte size");
  }
  EXPECT_AIOS_ERROR(region->write(4, "xy"), kInvalidArgument, "Invalid offset + byte size");
  EXPECT_EQ(region->read(5, 0), "");
}

TEST_F(SharedMemoryTest, TakesNoPieceThatIsNotInTheFile) {
  constexpr uint64_t kLargest = std::numeric_limits<uint64_t>::max();
  for (const auto& [offset, bytes] :
       {std::pair<uint64_t, uint64_t>{0, 11}, {11, 1}, {0, 0}, {kLargest, 2}, {1, kLargest}}) {
    EXPECT_AIOS_ERROR(memory.add({"in", key, offset, bytes}), kInvalidArgument, "got offset");
  }
  EXPECT_TRUE(memory.list().empty());
}

TEST_F(SharedMemoryTest, OpensNoPath) {
  for (const char* const path : {"", "/", "..", "/..", "../etc/passwd", "/a/b", "//a"}) {
    EXPECT_AIOS_ERROR(memory.add({"in", path, 0, 1}), kInvalidArgument, "expected a key as");
  }
  EXPECT_AIOS_ERROR(memory.add({"in", key + "_none", 0, 1}), kInvalidArgument, "Unable to open");
}

TEST_F(SharedMemoryTest, AFileThatWasCutIsAnErrorAndNoSignal) {
  memory.add({"in", key, 0, 10});
  ASSERT_EQ(::ftruncate(file.value(), 3), 0);
  EXPECT_AIOS_ERROR(memory.find("in")->read(0, 10), kInvalidArgument, "was cut");
}

TEST_F(SharedMemoryTest, KnowsRegionsByTheirNames) {
  memory.add({"b", key, 0, 1});
  memory.add({"a", key, 1, 2});
  EXPECT_AIOS_ERROR(memory.add({"a", key, 0, 1}), kInvalidArgument, "already in manager");
  EXPECT_AIOS_ERROR(memory.add({"", key, 0, 1}), kInvalidArgument, "expected a name");
  ASSERT_EQ(memory.list().size(), 2U);
  EXPECT_EQ(memory.list()[0].name, "a");
  EXPECT_EQ(memory.list()[0].bytes, 2U);
  const auto held = memory.find("a");
  memory.remove("a");
  memory.remove("a");
  EXPECT_AIOS_ERROR(memory.find("a"), kInvalidArgument, "Unable to find shared memory region: 'a'");
  EXPECT_EQ(held->read(0, 2), "12");
  memory.clear();
  EXPECT_TRUE(memory.list().empty());
}

}  // namespace
}  // namespace aios::server
