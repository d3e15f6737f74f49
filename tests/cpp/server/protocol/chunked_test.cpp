#include "server/protocol/chunked.hpp"

#include <gtest/gtest.h>

#include "server/protocol/http1.hpp"

namespace aios::server::protocol {
namespace {

constexpr std::size_t kLimit = 16;

TEST(ChunkReader, JoinsChunksAsTheyCome) {
  const std::string text = "3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nTrailer: 1\r\n\r\nGET";
  ChunkReader reader;
  for (std::size_t size = 0; size < text.size() - 3; ++size) {
    EXPECT_FALSE(reader.read(text.substr(0, size), kLimit)) << size;
  }
  EXPECT_TRUE(reader.read(text, kLimit));
  EXPECT_EQ(reader.body(), "abc0123456789");
  EXPECT_EQ(reader.offset(), text.size() - 3);
}

TEST(ChunkReader, StartsAnew) {
  ChunkReader reader;
  EXPECT_TRUE(reader.read("1\r\na\r\n0\r\n\r\n", kLimit));
  reader.reset();
  EXPECT_TRUE(reader.read("1\r\nb\r\n0\r\n\r\n", kLimit));
  EXPECT_EQ(reader.body(), "b");
}

TEST(ChunkReader, RefusesWhatIsNotChunksAndWhatIsTooMuch) {
  for (const char* text :
       {"x\r\n", "\r\n", "-1\r\n", "0x1\r\n", "1 \r\na\r\n", "1\r\nabc",
        "11\r\n0123456789abcdefg\r\n", "ffffffffffffffff\r\n", "fffffffffffffffff\r\n"}) {
    EXPECT_THROW(ChunkReader().read(text, kLimit), HttpError) << text;
  }
  for (const std::string text :
       {"1;a\nb\r\n", "1;a\rb\r\n", "0\r\nA: 1\nB: 2\r\n\r\n", "0\r\nA: \x7f\r\n\r\n"}) {
    EXPECT_THROW(ChunkReader().read(text, kLimit), HttpError) << text;
  }
  EXPECT_THROW(ChunkReader().read(std::string("1;\0\r\n", 5), kLimit), HttpError);
  EXPECT_THROW(ChunkReader().read(std::string(2000, '1'), kLimit), HttpError);
}

}  // namespace
}  // namespace aios::server::protocol
