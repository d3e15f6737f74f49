#include "server/protocol/grpc.hpp"

#include <gtest/gtest.h>

#include <string>

namespace aios::server::protocol {
namespace {

using namespace std::chrono_literals;

std::string framed(const std::string& message, bool is_compressed = false) {
  const auto prefix = grpcPrefix(message.size(), is_compressed);
  return std::string(prefix.data(), prefix.size()) + message;
}

// The code of the error, or what was read.
std::string read(MessageReader& reader, std::size_t limit) {
  try {
    return std::string(reader.front(limit));
  } catch (const GrpcError& error) {
    return "error " + std::to_string(error.code());
  }
}

TEST(Grpc, KnowsItsContentTypes) {
  EXPECT_TRUE(isGrpc("application/grpc"));
  EXPECT_TRUE(isGrpc("application/grpc+proto"));
  EXPECT_TRUE(isGrpc("application/grpc;charset=utf-8"));
  EXPECT_FALSE(isGrpc("application/grpc+json"));
  EXPECT_FALSE(isGrpc("application/grpc-web"));
  EXPECT_FALSE(isGrpc("application/json"));
  EXPECT_FALSE(isGrpc(""));
}

TEST(Grpc, ReadsTimeouts) {
  EXPECT_EQ(readTimeout("1H"), 1h);
  EXPECT_EQ(readTimeout("2M"), 2min);
  EXPECT_EQ(readTimeout("3S"), 3s);
  EXPECT_EQ(readTimeout("100m"), 100ms);
  EXPECT_EQ(readTimeout("12345678u"), 12345678us);
  EXPECT_EQ(readTimeout("0n"), 0ns);
  EXPECT_EQ(readTimeout("99999999H"), std::chrono::nanoseconds::max());
  for (const char* wrong : {"", "m", "1", "1x", "-1m", "123456789m", "1 m", "m1", "0x1m"}) {
    EXPECT_FALSE(readTimeout(wrong).has_value()) << wrong;
  }
}

TEST(Grpc, EncodesTextForAHeader) {
  EXPECT_EQ(percentEncoded("plain, with 'signs'"), "plain, with 'signs'");
  EXPECT_EQ(percentEncoded("100 %\r\n\xC3\xA9\x7F"), "100 %25%0D%0A%C3%A9%7F");
}

TEST(Grpc, CutsATextThatNoHeaderHolds) {
  EXPECT_EQ(percentEncoded(std::string(1 << 20, 'x')), std::string(2048, 'x'));
  const std::string with_character = std::string(2047, 'x') + "\xC3\xA9";
  EXPECT_EQ(percentEncoded(with_character), std::string(2047, 'x'));
}

TEST(Grpc, PutsMessagesTogether) {
  MessageReader reader;
  const std::string bytes = framed("123") + framed("") + framed("45");
  std::string all;
  for (const char byte : bytes) {
    reader.append({&byte, 1}, 10);
    for (; reader.hasMessage(); reader.pop()) all += read(reader, 10) + ".";
  }
  EXPECT_EQ(all, "123..45.");
  EXPECT_EQ(reader.size(), 0U);
  reader.append(bytes, 10);
  EXPECT_FALSE(reader.isSingle());
  reader.pop();
  reader.append(framed("6"), 10);
  reader.pop();
  reader.pop();
  EXPECT_TRUE(reader.isSingle());
  EXPECT_EQ(read(reader, 10), "6");
}

TEST(Grpc, RefusesMessagesThatAreTooLargeByTheirPrefix) {
  MessageReader reader;
  EXPECT_NO_THROW(reader.append(framed("1234").substr(0, 5), 4));
  EXPECT_THROW(MessageReader().append(framed("12345").substr(0, 5), 4), GrpcError);
  EXPECT_THROW(MessageReader().append(std::string(5, '\xFF'), 1 << 20), GrpcError);
  // One that came behind another.
  MessageReader second;
  second.append(framed("1") + framed("12345"), 4);
  second.pop();
  EXPECT_EQ(read(second, 4), "error 8");
}

TEST(Grpc, DecompressesWhatSaysThatItIsCompressed) {
  MessageReader reader;
  reader.setEncoding(wire::Encoding::kGzip);
  reader.append(framed(wire::compressed(wire::Encoding::kGzip, "123"), true) + framed("45"), 100);
  EXPECT_EQ(read(reader, 100), "123");
  EXPECT_EQ(read(reader, 2), "error 8");
  reader.pop();
  EXPECT_EQ(read(reader, 100), "45");
  reader.pop();
  reader.append(framed("not gzip", true), 100);
  EXPECT_EQ(read(reader, 100), "error 3");
  MessageReader plain;
  plain.append(framed("1", true), 100);
  EXPECT_EQ(read(plain, 100), "error 13");
}

}  // namespace
}  // namespace aios::server::protocol
