#include "server/protocol/http1.hpp"

#include <gtest/gtest.h>

namespace aios::server::protocol {
namespace {

// The status with which a head is refused; 0 if it isn't.
int refusal(const std::string& head) {
  try {
    readHead(head, HttpLimits());
    return 0;
  } catch (const HttpError& error) {
    return error.status();
  }
}

std::string withHeader(const std::string& header) {
  return "POST / HTTP/1.1\r\nHost: a\r\n" + header + "\r\n\r\n";
}

TEST(Http1, ReadsAHead) {
  const std::string head =
      "POST /v2/models/m/infer?x=1 HTTP/1.1\r\nhost: a\r\nContent-LENGTH: 12\r\n"
      "Inference-Header-Content-Length:7\r\nContent-Type: \t application/json \r\n\r\n";
  const HttpRequest request = readHead(head, HttpLimits());
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.path(), "/v2/models/m/infer");
  EXPECT_EQ(request.query(), "x=1");
  EXPECT_EQ(request.content_type, "application/json");
  EXPECT_EQ(request.content_length, 12U);
  EXPECT_EQ(request.inference_header_length, 7U);
  EXPECT_TRUE(request.keep_alive);
}

TEST(Http1, KeepsAConnectionUnlessToldOtherwise) {
  EXPECT_FALSE(readHead(withHeader("Connection: Upgrade, close"), {}).keep_alive);
  EXPECT_FALSE(readHead("GET / HTTP/1.0\r\n\r\n", {}).keep_alive);
}

TEST(Http1, RefusesWhatTwoReadersCouldUnderstandDifferently) {
  EXPECT_EQ(refusal(withHeader("Content-Length: 1\r\nTransfer-Encoding: chunked")), 400);
  EXPECT_EQ(refusal(withHeader("Content-Length: 1\r\nContent-Length: 1")), 400);
  EXPECT_EQ(refusal(withHeader("Content-Length: 1, 1")), 400);
  EXPECT_EQ(refusal(withHeader("Content-Length: +1")), 400);
  EXPECT_EQ(refusal(withHeader("Content-Length: ")), 400);
  EXPECT_EQ(refusal(withHeader("Content-Length : 1")), 400);
  EXPECT_EQ(refusal(withHeader("Transfer-Encoding: gzip, chunked")), 501);
  EXPECT_EQ(refusal(withHeader("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked")), 501);
  EXPECT_EQ(refusal("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
  EXPECT_EQ(refusal(withHeader("X: a\r\n b")), 400);
  EXPECT_EQ(refusal(withHeader("X: a\nY: b")), 400);
  EXPECT_EQ(refusal(withHeader("X: a\rb")), 400);
  EXPECT_EQ(refusal(withHeader(std::string("X: a\0b", 6))), 400);
  EXPECT_EQ(refusal(withHeader("no colon")), 400);
  EXPECT_EQ(refusal(withHeader(": no name")), 400);
  EXPECT_EQ(refusal(withHeader("Host: b")), 400);
  EXPECT_EQ(refusal("GET / HTTP/1.1\r\n\r\n"), 400);
}

TEST(Http1, RefusesMalformedRequestLines) {
  for (const char* line : {"GET /", "GET  / HTTP/1.1", "GET / HTTP/1.1 ", "G@T / HTTP/1.1",
                           "GET x HTTP/1.1", "GET http://a/ HTTP/1.1", "GET /\t HTTP/1.1", ""}) {
    EXPECT_NE(refusal(std::string(line) + "\r\nHost: a\r\n\r\n"), 0) << line;
  }
  EXPECT_EQ(refusal("GET / HTTP/2.0\r\nHost: a\r\n\r\n"), 505);
  EXPECT_EQ(refusal("GET / HTTP/1.1\nHost: a\r\n\r\n"), 400);
}

TEST(Http1, KeepsItsLimits) {
  EXPECT_EQ(refusal(withHeader("Content-Length: 67108865")), 413);
  EXPECT_EQ(refusal(withHeader("Content-Length: 99999999999999999999999")), 400);
  std::string many;
  for (int i = 0; i < 100; ++i) many += "X: 1\r\n";
  EXPECT_EQ(refusal(withHeader(many + "X: 1")), 431);
}

TEST(Http1, WritesAnAnswer) {
  std::string out;
  HttpAnswer answer;
  answer.body = "{}";
  answer.headers = "X: 1\r\n";
  appendAnswer(answer, true, true, out);
  EXPECT_EQ(out,
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nX: 1\r\n\r\n"
            "{}");
  out.clear();
  appendAnswer(errorAnswer(404, "no \"x\""), false, false, out, "A: b\r\n");
  EXPECT_EQ(out,
            "HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: 21\r\n"
            "Connection: close\r\nA: b\r\n\r\n");
}

}  // namespace
}  // namespace aios::server::protocol
