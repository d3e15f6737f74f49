#include "server/protocol/http1_connection.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "server/protocol/http2.hpp"

namespace aios::server::protocol {
namespace {

// Answers with what it was asked; what asks for /slow is answered later.
class Echo : public Service {
 public:
  bool answer(const HttpRequest& request, HttpAnswer& answer) override {
    seen.push_back(std::string(request.target) + " " + std::string(request.body));
    answer.body = request.body;
    if (request.target != "/slow") return true;
    waiting = request.waiter.request;
    cancelled = request.waiter.cancellation->flag();
    return false;
  }
  bool call(const GrpcRequest&, GrpcAnswer&) override { return true; }
  bool refuses(const HttpRequest& head, HttpAnswer& answer) override {
    if (head.target != "/closed") return false;
    answer = errorAnswer(401, "no");
    return true;
  }

  std::vector<std::string> seen;
  uint64_t waiting = 0;  // the number of the last one that is answered later
  CancelFlag cancelled;  // its flag
};

std::string post(const std::string& target, const std::string& body) {
  return "POST " + target +
         " HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         body;
}

std::string ok(const std::string& body) {
  return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

HttpAnswer answerWith(const std::string& body) {
  HttpAnswer answer;
  answer.body = body;
  return answer;
}

class Http1ConnectionTest : public ::testing::Test {
 protected:
  // What the client gets now.
  std::string sent() {
    const std::string text(connection.output());
    connection.sent(text.size());
    return text;
  }
  bool refusedWith(int status) {
    const std::string head = "HTTP/1.1 " + std::to_string(status) + " ";
    return sent().rfind(head, 0) == 0 && connection.isClosing();
  }

  Echo echo;
  HttpLimits limits;
  Http1Connection connection{echo, limits};
};

TEST_F(Http1ConnectionTest, AnswersARequestHoweverItsBytesCome) {
  const std::string text = post("/a", "12") + post("/b", "");
  for (const char byte : text) connection.feed({&byte, 1});
  EXPECT_EQ(sent(), ok("12") + ok(""));
  EXPECT_EQ(echo.seen, (std::vector<std::string>{"/a 12", "/b "}));
  EXPECT_FALSE(connection.isMidRequest());
}

TEST_F(Http1ConnectionTest, AnswersPipelinedRequestsInOrderAroundASlowOne) {
  connection.feed(post("/a", "1") + post("/slow", "2") + post("/b", "3") + post("/slow", "4"));
  EXPECT_EQ(sent(), ok("1"));
  EXPECT_TRUE(connection.isWaiting());
  EXPECT_FALSE(connection.wantsInput());
  EXPECT_TRUE(connection.complete(echo.waiting, answerWith("two")));
  EXPECT_EQ(sent(), ok("two") + ok("3"));
  EXPECT_TRUE(connection.complete(echo.waiting, answerWith("four")));
  EXPECT_EQ(sent(), ok("four"));
  EXPECT_TRUE(connection.wantsInput());
  EXPECT_EQ(connection.answered(), 4U);
}

TEST_F(Http1ConnectionTest, TakesNoAnswerForWhichNobodyWaits) {
  EXPECT_FALSE(connection.complete(0, answerWith("0")));
  connection.feed(post("/slow", "1"));
  EXPECT_FALSE(connection.complete(echo.waiting + 1, answerWith("2")));
  EXPECT_FALSE(connection.complete(echo.waiting, GrpcAnswer()));
  EXPECT_TRUE(connection.complete(echo.waiting, answerWith("1")));
  EXPECT_FALSE(connection.complete(echo.waiting, answerWith("1")));
  EXPECT_EQ(sent(), ok("1"));
}

TEST_F(Http1ConnectionTest, TellsWhoeverAnswersLaterThatTheClientHasGone) {
  auto gone = std::make_unique<Http1Connection>(echo, limits);
  gone->feed(post("/slow", "1") + post("/slow", "2"));
  const CancelFlag first = echo.cancelled;
  gone->complete(echo.waiting, answerWith("1"));
  EXPECT_FALSE(*echo.cancelled);
  gone.reset();
  EXPECT_TRUE(*echo.cancelled);
  EXPECT_FALSE(*first);
}

TEST_F(Http1ConnectionTest, ReadsChunkedBodies) {
  connection.feed("POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n12\r\n");
  EXPECT_EQ(sent(), "");
  connection.feed("1\r\n3\r\n0\r\n\r\n" + post("/b", "x"));
  EXPECT_EQ(sent(), ok("123") + ok("x"));
}

TEST_F(Http1ConnectionTest, TellsAClientThatAsksToSendItsBody) {
  connection.feed(
      "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(sent(), "HTTP/1.1 100 Continue\r\n\r\n");
  connection.feed("1");
  EXPECT_EQ(sent(), "");
  connection.feed("2");
  EXPECT_EQ(sent(), ok("12"));
}

TEST_F(Http1ConnectionTest, RefusesARequestByItsHeadBeforeItsBodyComes) {
  connection.feed(
      "POST /closed HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
      "Content-Length: 10\r\n\r\n");
  EXPECT_TRUE(refusedWith(401));
  EXPECT_TRUE(echo.seen.empty());
}

TEST_F(Http1ConnectionTest, AsksOnceWhetherABodyIsWanted) {
  const std::string text = post("/a", "1234");
  connection.feed(text.substr(0, text.size() - 3));
  connection.feed(text.substr(text.size() - 3, 2));
  connection.feed(text.substr(text.size() - 1) + post("/b", "5"));
  EXPECT_EQ(sent(), ok("1234") + ok("5"));
}

TEST_F(Http1ConnectionTest, RefusesAndClosesWhatIsMalformed) {
  connection.feed(post("/a", "1") + "nonsense\r\n\r\n" + post("/b", ""));
  const std::string text = sent();
  EXPECT_EQ(text.rfind(ok("1") + "HTTP/1.1 400 ", 0), 0U) << text;
  EXPECT_NE(text.find("Connection: close"), std::string::npos);
  EXPECT_TRUE(connection.isClosing());
  connection.feed(post("/c", ""));
  EXPECT_EQ(echo.seen.size(), 1U);
}

TEST_F(Http1ConnectionTest, RefusesAHeadAndABodyThatAreTooLarge) {
  connection.feed("GET /" + std::string(limits.head_bytes, 'a'));
  EXPECT_TRUE(refusedWith(431));
  limits.body_bytes = 4;
  Http1Connection other(echo, limits);
  other.feed("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n");
  EXPECT_EQ(other.output().substr(0, 13), "HTTP/1.1 413 ");
  Http1Connection chunked(echo, limits);
  chunked.feed("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n");
  EXPECT_EQ(chunked.output().substr(0, 13), "HTTP/1.1 413 ");
}

TEST_F(Http1ConnectionTest, AnswersNoMoreWhileTheClientDoesNotRead) {
  limits.unread_bytes = 10;
  connection.feed(post("/a", "1") + post("/b", "2") + post("/c", "3"));
  EXPECT_EQ(echo.seen.size(), 1U);
  EXPECT_FALSE(connection.wantsInput());
  EXPECT_EQ(sent(), ok("1"));
  EXPECT_EQ(sent(), ok("2"));
  EXPECT_EQ(sent(), ok("3"));
  EXPECT_TRUE(connection.wantsInput());
}

TEST_F(Http1ConnectionTest, AnswersOnWhereTheClientHasReadAPart) {
  limits.unread_bytes = 10;
  std::string expected, text;
  for (int i = 0; i < 50; ++i) {
    connection.feed(post("/a", std::to_string(i)));
    expected += ok(std::to_string(i));
    // All but a few bytes, so that the output is never empty.
    const std::string part(connection.output().substr(0, connection.output().size() - 5));
    connection.sent(part.size());
    text += part;
    EXPECT_EQ(echo.seen.size(), static_cast<std::size_t>(i) + 1);
    EXPECT_FALSE(connection.isMidRequest());
  }
  EXPECT_EQ(text + sent(), expected);
}

TEST_F(Http1ConnectionTest, AnswersWhatWaitsOnceTheClientHasReadAPart) {
  limits.unread_bytes = 10;
  connection.feed(post("/a", "1") + post("/b", "2") + post("/c", "3"));
  EXPECT_EQ(echo.seen.size(), 1U);
  connection.sent(ok("1").size() - 5);
  EXPECT_EQ(echo.seen.size(), 2U);
  connection.sent(5);
  EXPECT_EQ(sent(), ok("2"));
  EXPECT_EQ(sent(), ok("3"));
}

TEST_F(Http1ConnectionTest, DrainsAfterTheRequestUnderWay) {
  connection.feed(post("/slow", "1"));
  connection.drain();
  EXPECT_FALSE(connection.isClosing());
  EXPECT_TRUE(connection.complete(echo.waiting, answerWith("1")));
  EXPECT_NE(sent().find("Connection: close"), std::string::npos);
  EXPECT_TRUE(connection.isClosing());
  Http1Connection idle(echo, limits);
  idle.drain();
  EXPECT_TRUE(idle.isClosing());
}

TEST_F(Http1ConnectionTest, SaysThatARequestTookTooLong) {
  connection.feed("POST /a HTTP/1.1\r\n");
  EXPECT_TRUE(connection.isMidRequest());
  connection.timeOut();
  EXPECT_TRUE(refusedWith(408));
  Http1Connection idle(echo, limits);
  idle.timeOut();
  EXPECT_EQ(idle.output(), "");
  EXPECT_TRUE(idle.isClosing());
}

TEST_F(Http1ConnectionTest, MakesWayForHttp2WhereAClientBeginsWithIt) {
  const std::string begin = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  if (!hasHttp2()) {
    connection.feed(begin);
    EXPECT_TRUE(refusedWith(505));
    return;
  }
  for (const char byte : begin.substr(0, 18)) {
    EXPECT_EQ(connection.takeSuccessor(), nullptr);
    connection.feed({&byte, 1});
  }
  const auto successor = connection.takeSuccessor();
  ASSERT_NE(successor, nullptr);
  successor->feed(begin.substr(18) + std::string("\0\0\0\4\0\0\0\0\0", 9));
  EXPECT_FALSE(successor->isClosing());
  EXPECT_EQ(sent(), "");
  Http1Connection late(echo, limits);
  late.feed(post("/a", "1") + begin);
  EXPECT_EQ(late.takeSuccessor(), nullptr);
}

TEST_F(Http1ConnectionTest, SendsNoBodyToHead) {
  connection.feed("HEAD /a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n12");
  EXPECT_EQ(sent(),
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n");
}

}  // namespace
}  // namespace aios::server::protocol
