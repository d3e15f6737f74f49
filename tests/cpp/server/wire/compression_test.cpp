#include "server/wire/compression.hpp"

#include <gtest/gtest.h>

namespace aios::server::wire {
namespace {

constexpr std::size_t kLimit = 1 << 20;

// Deterministic bytes, in which little repeats.
std::string noise(std::size_t size) {
  std::string bytes;
  uint32_t state = 1;
  for (std::size_t i = 0; i < size; ++i) {
    state = state * 1664525U + 1013904223U;
    bytes.push_back(static_cast<char>(state >> 24));
  }
  return bytes;
}

std::string refusal(Encoding encoding, const std::string& bytes) {
  try {
    decompressed(encoding, bytes, kLimit);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    return error.what();
  }
  return "taken";
}

TEST(Compression, GivesBackWhatWasCompressed) {
  for (const Encoding encoding : {Encoding::kIdentity, Encoding::kGzip, Encoding::kDeflate}) {
    for (const std::string& text : {std::string(), std::string("a"), noise(70000)}) {
      EXPECT_EQ(decompressed(encoding, compressed(encoding, text), kLimit), text);
    }
  }
  EXPECT_LT(compressed(Encoding::kGzip, std::string(kLimit, 'a')).size(), kLimit / 100);
}

TEST(Compression, ReadsWhatOthersWrote) {
  // Python's gzip.compress(b"cell", mtime=0) and zlib.compress(b"cell").
  const std::string gzip(
      "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\x4b\x4e\xcd\xc9\x01\x00"
      "\xe2\x87\x87\xcb\x04\x00\x00\x00",
      24);
  const std::string deflate("\x78\x9c\x4b\x4e\xcd\xc9\x01\x00\x04\x03\x01\xa1", 12);
  EXPECT_EQ(decompressed(Encoding::kGzip, gzip, kLimit), "cell");
  EXPECT_EQ(decompressed(Encoding::kGzip, gzip + gzip, kLimit), "cellcell");
  EXPECT_EQ(decompressed(Encoding::kDeflate, deflate, kLimit), "cell");
}

TEST(Compression, StopsABombAtTheLimit) {
  const std::string bomb = compressed(Encoding::kGzip, std::string(8 << 20, '\0'));
  EXPECT_LT(bomb.size(), std::size_t{64} << 10);
  EXPECT_THROW(decompressed(Encoding::kGzip, bomb, kLimit), TooLarge);
  EXPECT_THROW(decompressed(Encoding::kGzip, bomb, 0), TooLarge);
  EXPECT_THROW(decompressed(Encoding::kIdentity, "ab", 1), TooLarge);
}

TEST(Compression, TakesExactlyAsManyBytesAsMayCome) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{4096}, kLimit}) {
    const std::string bytes = compressed(Encoding::kDeflate, noise(size));
    EXPECT_EQ(decompressed(Encoding::kDeflate, bytes, size).size(), size);
    if (size == 0) continue;
    EXPECT_THROW(decompressed(Encoding::kDeflate, bytes, size - 1), TooLarge);
  }
}

TEST(Compression, RefusesWhatIsDamagedAndSaysWhy) {
  for (const Encoding encoding : {Encoding::kGzip, Encoding::kDeflate}) {
    const std::string whole = compressed(encoding, noise(10000));
    EXPECT_NE(refusal(encoding, whole.substr(0, whole.size() - 1)).find("cut short"),
              std::string::npos);
    EXPECT_NE(refusal(encoding, "").find("cut short"), std::string::npos);
    EXPECT_NE(refusal(encoding, "{\"instances\": []}").find("incorrect header check"),
              std::string::npos);
    std::string changed = whole;
    changed[whole.size() / 2] = static_cast<char>(~changed[whole.size() / 2]);
    EXPECT_NE(refusal(encoding, changed), "taken");
    EXPECT_NE(refusal(encoding, whole + "x"), "taken");
  }
}

TEST(Compression, KnowsEncodingsByTheirNames) {
  EXPECT_EQ(encodingOf(""), Encoding::kIdentity);
  EXPECT_EQ(encodingOf("Identity"), Encoding::kIdentity);
  EXPECT_EQ(encodingOf("GZip"), Encoding::kGzip);
  EXPECT_EQ(encodingOf("deflate"), Encoding::kDeflate);
  EXPECT_EQ(encodingOf("br"), std::nullopt);
  EXPECT_EQ(encodingOf("gzip, gzip"), std::nullopt);
  EXPECT_STREQ(name(Encoding::kGzip), "gzip");
}

TEST(Compression, ChoosesWhatAClientWantsMost) {
  EXPECT_EQ(acceptedEncoding(""), Encoding::kIdentity);
  EXPECT_EQ(acceptedEncoding("gzip, deflate, br"), Encoding::kGzip);
  EXPECT_EQ(acceptedEncoding("deflate, gzip"), Encoding::kGzip);
  EXPECT_EQ(acceptedEncoding("gzip;q=0.5, deflate;q=0.8"), Encoding::kDeflate);
  EXPECT_EQ(acceptedEncoding("gzip ; q=0 , br"), Encoding::kIdentity);
  EXPECT_EQ(acceptedEncoding("*"), Encoding::kGzip);
  EXPECT_EQ(acceptedEncoding("identity, gzip;q=0.1"), Encoding::kIdentity);
  EXPECT_EQ(acceptedEncoding("gzip;q=x,,;q,"), Encoding::kIdentity);
}

}  // namespace
}  // namespace aios::server::wire
