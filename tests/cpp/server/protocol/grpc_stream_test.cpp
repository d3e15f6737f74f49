#include "server/protocol/grpc_stream.hpp"

#include <gtest/gtest.h>

#include <string>

namespace aios::server::protocol {
namespace {

GrpcHead headOf(std::initializer_list<std::pair<const char*, const char*>> headers) {
  GrpcHead head;
  head.add(":method", "POST");
  head.add("content-type", "application/grpc");
  for (const auto& [name, value] : headers) head.add(name, value);
  return head;
}

// All of it, in buffers of so many bytes.
std::string drained(AnswerQueue& queue, std::size_t piece) {
  std::string all, buffer(piece, '\0');
  while (queue.size() != 0) all += buffer.substr(0, queue.read(buffer.data(), piece));
  return all;
}

TEST(GrpcHead, ReadsWhatItNeeds) {
  const GrpcHead head = headOf({{":path", "/a.B/C"},
                                {"authorization", "Bearer x"},
                                {"traceparent", "00-1"},
                                {"grpc-timeout", "5S"},
                                {"user-agent", "somebody"}});
  EXPECT_EQ(head.httpStatus(), 200);
  EXPECT_NO_THROW(head.check());
  EXPECT_EQ(head.path(), "/a.B/C");
  EXPECT_EQ(head.authorization(), "Bearer x");
  EXPECT_EQ(head.traceparent(), "00-1");
  EXPECT_EQ(head.timeout(), std::chrono::seconds(5));
  EXPECT_FALSE(head.isForwarded());
  EXPECT_TRUE(headOf({{"x-forwarded-for", "203.0.113.7"}}).isForwarded());
  EXPECT_TRUE(headOf({{"forwarded", "for=203.0.113.7"}}).isForwarded());
  EXPECT_EQ(GrpcHead().httpStatus(), 405);
}

TEST(GrpcHead, CountsItsBytesAsHttp2Does) {
  GrpcHead head;
  head.add("x", "12");
  EXPECT_EQ(head.bytes(), 35U);
}

TEST(GrpcHead, CompressesOnlyForClientsThatDoAndReadIt) {
  EXPECT_EQ(headOf({{"grpc-encoding", "gzip"}, {"grpc-accept-encoding", "identity, gzip"}})
                .answerEncoding(),
            wire::Encoding::kGzip);
  EXPECT_EQ(headOf({{"grpc-encoding", "gzip"}, {"grpc-accept-encoding", "deflate,xgzip"}})
                .answerEncoding(),
            wire::Encoding::kIdentity);
  EXPECT_EQ(headOf({{"grpc-accept-encoding", "gzip"}}).answerEncoding(), wire::Encoding::kIdentity);
}

TEST(AnswerQueue, GivesMessagesInWhateverPiecesThereIsRoomFor) {
  const std::string first("\0\0\0\0\3abc", 8), second("\0\0\0\0\0", 5), third("\0\0\0\0\2de", 7);
  for (const std::size_t piece : {1, 2, 5, 6, 100}) {
    AnswerQueue queue;
    for (const char* body : {"abc", "", "de"}) queue.push(body, wire::Encoding::kIdentity);
    EXPECT_EQ(queue.size(), 20U);
    EXPECT_EQ(drained(queue, piece), first + second + third);
  }
}

TEST(AnswerQueue, CompressesLargeMessages) {
  AnswerQueue queue;
  const std::string large(5000, 'a');
  queue.push(large, wire::Encoding::kGzip);
  const std::string bytes = drained(queue, 4096);
  EXPECT_EQ(bytes.front(), 1);
  EXPECT_EQ(wire::decompressed(wire::Encoding::kGzip, bytes.substr(5), 5000), large);
  queue.push("small", wire::Encoding::kGzip);
  EXPECT_EQ(drained(queue, 4096), std::string("\0\0\0\0\5small", 10));
}

}  // namespace
}  // namespace aios::server::protocol
