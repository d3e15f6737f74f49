#include "server/api/body_encoding.hpp"

#include <gtest/gtest.h>

namespace aios::server::api {
namespace {

protocol::HttpRequest asking(std::string_view content_encoding, std::string_view accept_encoding) {
  protocol::HttpRequest request;
  request.content_encoding = content_encoding;
  request.accept_encoding = accept_encoding;
  return request;
}

protocol::HttpAnswer answerOf(std::size_t bytes) {
  protocol::HttpAnswer answer;
  answer.body.assign(bytes, 'a');
  return answer;
}

TEST(BodyEncodings, AreWhatTheHeadersSay) {
  const BodyEncodings none = encodingsOf(asking("", ""), 10);
  EXPECT_EQ(none.request, wire::Encoding::kIdentity);
  EXPECT_EQ(none.answer, wire::Encoding::kIdentity);
  EXPECT_EQ(none.most_bytes, 10U);
  const BodyEncodings both = encodingsOf(asking("deflate", "gzip"), 10);
  EXPECT_EQ(both.request, wire::Encoding::kDeflate);
  EXPECT_EQ(both.answer, wire::Encoding::kGzip);
}

TEST(BodyEncodings, RefuseABodyInAnUnknownOne) {
  try {
    encodingsOf(asking("br", ""), 10);
    FAIL();
  } catch (const protocol::HttpError& error) {
    EXPECT_EQ(error.status(), 415);
  }
}

TEST(BodyEncodings, CompressALargeAnswerAndNoSmallOne) {
  const BodyEncodings encodings = encodingsOf(asking("", "gzip"), 10);
  protocol::HttpAnswer small = answerOf(1000), large = answerOf(5000);
  EXPECT_FALSE(isCompressed(encodings, small));
  EXPECT_TRUE(isCompressed(encodings, large));
  compress(encodings, small);
  compress(encodings, large);
  EXPECT_EQ(small.body, answerOf(1000).body);
  EXPECT_EQ(large.headers, "Content-Encoding: gzip\r\n");
  EXPECT_LT(large.body.size(), 100U);
  EXPECT_EQ(wire::decompressed(wire::Encoding::kGzip, large.body, 5000), answerOf(5000).body);
}

TEST(BodyEncodings, LeaveAnAnswerAloneThatNobodyWantsCompressed) {
  protocol::HttpAnswer answer = answerOf(5000);
  compress(encodingsOf(asking("", "br"), 10), answer);
  EXPECT_EQ(answer.body.size(), 5000U);
  EXPECT_EQ(answer.headers, "");
}

}  // namespace
}  // namespace aios::server::api
