#include "server/protocol/http2_connection.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "server/protocol/http2_client.hpp"

namespace aios::server::protocol {
namespace {

// Answers with what it was asked: "/slow" later, "/fail" by an error, "/large" many times over.
class Echo : public Service {
 public:
  bool answer(const HttpRequest&, HttpAnswer&) override { return true; }
  bool call(const GrpcRequest& request, GrpcAnswer& answer) override {
    seen.emplace_back(request.message);
    if (request.path == "/slow" || request.path == "/each-slow") {
      waiting.push_back(request.waiter.request);
      flags.push_back(request.waiter.cancellation->flag());
      return false;
    }
    if (request.path == "/fail" || request.message == "fail") {
      answer.code = 5;
      answer.message = "no such thing, 100 %";
    }
    answer.body = request.message;
    if (request.path == "/large" || request.path == "/each-large") answer.body.resize(300000, 'x');
    return true;
  }
  bool refusesCall(const GrpcRequest& head, GrpcAnswer& answer) override {
    answer.code = 16;
    return head.is_forwarded;
  }
  GrpcKind kindOf(std::string_view path) const noexcept override {
    if (path.substr(0, 5) == "/each") return GrpcKind::kEach;
    return path == "/watch" ? GrpcKind::kUnending : GrpcKind::kUnary;
  }

  std::vector<std::string> seen;
  std::vector<uint64_t> waiting;
  std::vector<CancelFlag> flags;
};

GrpcAnswer answerWith(const std::string& body) { return {0, "", body}; }

class Http2ConnectionTest : public ::testing::Test {
 protected:
  Http2ConnectionTest() {
    limits.body_bytes = 1 << 20;
    restart();
  }
  void restart() { connection = std::make_unique<Http2Connection>(echo, limits); }
  // One call and its answer.
  Http2Client::Response& ask(const std::string& path, const std::string& bytes,
                             const Http2Client::Headers& headers = {}) {
    const int32_t stream = client.call(path, bytes, headers);
    client.talk(*connection);
    return client.of(stream);
  }
  std::string statusOf(const std::string& path, const std::string& bytes,
                       const Http2Client::Headers& headers = {}) {
    return ask(path, bytes, headers).headers["grpc-status"];
  }

  Echo echo;
  HttpLimits limits;
  std::unique_ptr<Http2Connection> connection;
  Http2Client client;
};

TEST_F(Http2ConnectionTest, AnswersACallHoweverItsBytesCome) {
  const int32_t stream = client.call("/a", framed("123"));
  client.talk(*connection, 1);
  Http2Client::Response& response = client.of(stream);
  EXPECT_EQ(response.headers[":status"], "200");
  EXPECT_EQ(response.headers["content-type"], "application/grpc");
  EXPECT_EQ(response.body, framed("123"));
  EXPECT_EQ(response.headers["grpc-status"], "0");
  EXPECT_TRUE(response.has_trailers);
  EXPECT_EQ(response.closed, 0U);
  EXPECT_EQ(connection->answered(), 1U);
  EXPECT_FALSE(connection->isWaiting());
}

TEST_F(Http2ConnectionTest, AnswersCallsAsTheyAreDone) {
  std::vector<int32_t> streams;
  for (const char* message : {"1", "2", "3"}) {
    streams.push_back(client.call("/slow", framed(message)));
  }
  client.talk(*connection);
  EXPECT_EQ(echo.seen, (std::vector<std::string>{"1", "2", "3"}));
  EXPECT_TRUE(connection->isWaiting());
  EXPECT_EQ(ask("/a", framed("4")).body, framed("4"));
  for (const int i : {2, 0, 1}) {
    const auto at = static_cast<std::size_t>(i);
    EXPECT_TRUE(connection->complete(echo.waiting[at], answerWith(std::to_string(i))));
    client.talk(*connection);
    EXPECT_EQ(client.of(streams[at]).body, framed(std::to_string(i)));
    EXPECT_FALSE(connection->complete(echo.waiting[at], answerWith("again")));
  }
  EXPECT_FALSE(connection->isWaiting());
}

TEST_F(Http2ConnectionTest, TakesNoAnswerThatIsNotForIt) {
  client.call("/slow", framed("1"));
  client.talk(*connection);
  EXPECT_FALSE(connection->complete(echo.waiting[0], HttpAnswer()));
  EXPECT_FALSE(connection->complete(echo.waiting[0] + (uint64_t{1} << 32), answerWith("1")));
  EXPECT_FALSE(connection->complete(99, answerWith("1")));
}

TEST_F(Http2ConnectionTest, TellsAnErrorInOneFrame) {
  Http2Client::Response& response = ask("/fail", framed("1"));
  EXPECT_EQ(response.headers["grpc-status"], "5");
  EXPECT_EQ(response.headers["grpc-message"], "no such thing, 100 %25");
  EXPECT_EQ(response.body, "");
  EXPECT_FALSE(response.has_trailers);
  EXPECT_EQ(response.closed, 0U);
}

TEST_F(Http2ConnectionTest, ReadsAndWritesCompressedMessages) {
  const std::string large(5000, 'a');
  for (const auto encoding : {wire::Encoding::kGzip, wire::Encoding::kDeflate}) {
    const std::string bytes = wire::compressed(encoding, large);
    Http2Client::Response& response = ask(
        "/a", framed(bytes, true),
        {{"grpc-encoding", name(encoding)}, {"grpc-accept-encoding", "identity, gzip,deflate"}});
    EXPECT_EQ(response.headers["grpc-encoding"], name(encoding));
    EXPECT_LT(response.body.size(), 200U);
    EXPECT_EQ(wire::decompressed(encoding, response.body.substr(5), 10000), large);
  }
  EXPECT_EQ(ask("/a", framed("1"), {{"grpc-encoding", "gzip"}}).body, framed("1"));
  // A client that doesn't say that it reads gzip gets none.
  const std::string bytes = wire::compressed(wire::Encoding::kGzip, large);
  EXPECT_EQ(ask("/a", framed(bytes, true), {{"grpc-encoding", "gzip"}}).body, framed(large));
}

TEST_F(Http2ConnectionTest, RefusesWhatIsNoCall) {
  EXPECT_EQ(ask("/a", "{}", {{"content-type", "application/json"}}).headers[":status"], "415");
  EXPECT_EQ(ask("/a", "", {{":method", "GET"}}).headers[":status"], "405");
  EXPECT_EQ(statusOf("/a", ""), "13");
  EXPECT_EQ(statusOf("/a", framed("1").substr(0, 4)), "13");
  EXPECT_EQ(statusOf("/a", framed("1") + framed("2")), "13");
  EXPECT_EQ(statusOf("/a", framed("1", true)), "13");
  EXPECT_EQ(statusOf("/a", framed("1"), {{"grpc-timeout", "1"}}), "3");
  Http2Client::Response& unknown = ask("/a", framed("1"), {{"grpc-encoding", "br"}});
  EXPECT_EQ(unknown.headers["grpc-status"], "12");
  EXPECT_EQ(unknown.headers["grpc-accept-encoding"], "identity,deflate,gzip");
  const int32_t refused = client.call("/a", "", {{"forwarded", "for=a"}}, true);
  client.talk(*connection);
  EXPECT_EQ(client.of(refused).headers["grpc-status"], "16");
  EXPECT_EQ(echo.seen.size(), 0U);
  EXPECT_EQ(statusOf("/a", framed("1")), "0");
}

TEST_F(Http2ConnectionTest, RefusesWhatIsTooLarge) {
  const std::string large(limits.body_bytes + 1, 'a');
  const std::string bomb = framed(wire::compressed(wire::Encoding::kGzip, large), true);
  EXPECT_EQ(statusOf("/a", framed(large)), "8");
  EXPECT_EQ(statusOf("/a", bomb, {{"grpc-encoding", "gzip"}}), "8");
  EXPECT_EQ(statusOf("/a", framed("1"), {{"x", std::string(limits.head_bytes, 'a')}}), "8");
  EXPECT_EQ(statusOf("/a", framed("1")), "0");
  EXPECT_EQ(echo.seen.size(), 1U);
}

TEST_F(Http2ConnectionTest, RefusesMoreBytesThanItKeepsForAllCalls) {
  const std::string half = framed(std::string(limits.body_bytes - 5, 'a')).substr(0, 900000);
  std::vector<int32_t> streams;
  for (int i = 0; i < 3; ++i) streams.push_back(client.call("/a", half, {}, true));
  client.talk(*connection);
  EXPECT_EQ(client.of(streams[2]).headers["grpc-status"], "8");
  EXPECT_FALSE(client.of(streams[0]).closed.has_value());
}

TEST_F(Http2ConnectionTest, ForgetsACallThatTheClientGaveUp) {
  const int32_t stream = client.call("/slow", framed("1"));
  client.talk(*connection);
  EXPECT_FALSE(*echo.flags[0]);
  client.cancel(stream);
  client.talk(*connection);
  EXPECT_TRUE(*echo.flags[0]);
  EXPECT_FALSE(connection->isWaiting());
  EXPECT_FALSE(connection->complete(echo.waiting[0], answerWith("1")));
  EXPECT_EQ(statusOf("/a", framed("1")), "0");
}

TEST_F(Http2ConnectionTest, ForgetsAllCallsOfAClientThatHasGone) {
  client.call("/slow", framed("1"));
  client.talk(*connection);
  connection.reset();
  EXPECT_TRUE(*echo.flags[0]);
}

TEST_F(Http2ConnectionTest, DoesNotBeginACallWhoseTimeIsOver) {
  EXPECT_EQ(statusOf("/a", framed("1"), {{"grpc-timeout", "0m"}}), "4");
  EXPECT_EQ(echo.seen.size(), 0U);
  EXPECT_EQ(statusOf("/a", framed("1"), {{"grpc-timeout", "99999999H"}}), "0");
}

TEST_F(Http2ConnectionTest, AnswersACallWhoseTimeEndsWhileItWaits) {
  const int32_t late = client.call("/slow", framed("1"), {{"grpc-timeout", "1H"}});
  const int32_t patient = client.call("/slow", framed("2"));
  client.talk(*connection);
  connection->tick(Clock::now() + std::chrono::minutes(59));
  client.talk(*connection);
  EXPECT_FALSE(client.of(late).closed.has_value());
  connection->tick(Clock::now() + std::chrono::hours(2));
  client.talk(*connection);
  EXPECT_EQ(client.of(late).headers["grpc-status"], "4");
  EXPECT_TRUE(*echo.flags[0]);
  EXPECT_FALSE(connection->complete(echo.waiting[0], answerWith("1")));
  EXPECT_FALSE(client.of(patient).closed.has_value());
}

TEST_F(Http2ConnectionTest, AnswersEachMessageOfAStreamInOrder) {
  const int32_t stream = client.call("/each", framed("1") + framed("22").substr(0, 3), {}, true);
  client.talk(*connection);
  EXPECT_EQ(client.of(stream).body, framed("1"));
  client.send(stream, framed("22").substr(3) + framed("3"));
  client.talk(*connection);
  EXPECT_EQ(client.of(stream).body, framed("1") + framed("22") + framed("3"));
  EXPECT_FALSE(client.of(stream).closed.has_value());
  client.send(stream, framed("4"), true);
  client.talk(*connection);
  EXPECT_EQ(client.of(stream).body.substr(19), framed("4"));
  EXPECT_EQ(client.of(stream).headers["grpc-status"], "0");
  EXPECT_EQ(client.of(stream).closed, 0U);
}

TEST_F(Http2ConnectionTest, HandsOutTheMessagesOfAStreamOneAtATime) {
  const int32_t stream = client.call("/each-slow", framed("1") + framed("2"));
  client.talk(*connection);
  EXPECT_EQ(echo.seen.size(), 1U);
  EXPECT_TRUE(connection->complete(echo.waiting[0], answerWith("one")));
  EXPECT_EQ(echo.seen.size(), 2U);
  EXPECT_TRUE(connection->complete(echo.waiting[1], answerWith("two")));
  client.talk(*connection);
  EXPECT_EQ(client.of(stream).body, framed("one") + framed("two"));
  EXPECT_EQ(client.of(stream).headers["grpc-status"], "0");
}

TEST_F(Http2ConnectionTest, EndsAStreamByAnErrorAfterTheAnswersBefore) {
  const int32_t stream = client.call("/each", framed("1") + framed("fail") + framed("2"));
  client.talk(*connection);
  EXPECT_EQ(client.of(stream).body, framed("1"));
  EXPECT_EQ(client.of(stream).headers["grpc-status"], "5");
  EXPECT_EQ(echo.seen.size(), 2U);
}

TEST_F(Http2ConnectionTest, LeavesAnUnendingAnswerOpenUntilItDrains) {
  const int32_t stream = client.call("/watch", framed("1"));
  client.talk(*connection);
  EXPECT_EQ(client.of(stream).body, framed("1"));
  EXPECT_FALSE(client.of(stream).closed.has_value());
  connection->drain();
  client.talk(*connection);
  EXPECT_EQ(client.of(stream).headers["grpc-status"], "14");
  EXPECT_TRUE(connection->isClosing());
}

TEST_F(Http2ConnectionTest, SendsAnAnswerThatIsLargerThanTheClientsWindow) {
  Http2Client::Response& response = ask("/large", framed("1"));
  EXPECT_EQ(response.body.size(), 300005U);
  EXPECT_EQ(response.headers["grpc-status"], "0");
}

TEST_F(Http2ConnectionTest, KeepsItsOutputShortWhereTheClientDoesNotRead) {
  limits.unread_bytes = 1000;
  restart();
  std::string body;
  for (int i = 0; i < 20; ++i) body += framed("1");
  const int32_t stream = client.call("/each-large", body);
  connection->feed(client.output());
  EXPECT_EQ(echo.seen.size(), 1U);
  EXPECT_LT(connection->output().size(), 20000U);
  EXPECT_FALSE(connection->wantsInput());
  client.talk(*connection);
  EXPECT_EQ(echo.seen.size(), 20U);
  EXPECT_EQ(client.of(stream).body.size(), 20 * 300005U);
  EXPECT_EQ(client.of(stream).headers["grpc-status"], "0");
}

TEST_F(Http2ConnectionTest, SaysThatARequestTookTooLongToCome) {
  const int32_t stream = client.call("/a", framed("123").substr(0, 6), {}, true);
  const int32_t idle = client.call("/each", framed("1"), {}, true);
  client.talk(*connection);
  const auto now = Clock::now();
  connection->tick(now);
  connection->tick(now + limits.request_timeout);
  client.talk(*connection);
  EXPECT_FALSE(client.of(stream).closed.has_value());
  connection->tick(now + limits.request_timeout + std::chrono::seconds(1));
  client.talk(*connection);
  EXPECT_EQ(client.of(stream).headers["grpc-status"], "4");
  EXPECT_FALSE(client.of(idle).closed.has_value());
}

TEST_F(Http2ConnectionTest, GivesUpAnAnswerThatTheClientNeverReads) {
  const int32_t stream = client.call("/large", framed("1"));
  connection->feed(client.output());
  client.feed(connection->output());
  connection->sent(connection->output().size());
  const auto now = Clock::now();
  connection->tick(now);
  connection->tick(now + limits.answer_timeout + std::chrono::seconds(1));
  // The client opens its window too late.
  client.talk(*connection);
  EXPECT_EQ(client.of(stream).closed, uint32_t{NGHTTP2_CANCEL});
  EXPECT_LT(client.of(stream).body.size(), 300005U);
  EXPECT_FALSE(connection->isWaiting());
}

TEST_F(Http2ConnectionTest, DrainsAfterTheCallsUnderWay) {
  const int32_t stream = client.call("/slow", framed("1"));
  client.talk(*connection);
  connection->drain();
  client.talk(*connection);
  EXPECT_EQ(client.goaway(), uint32_t{NGHTTP2_NO_ERROR});
  EXPECT_FALSE(connection->isClosing());
  EXPECT_TRUE(connection->complete(echo.waiting[0], answerWith("1")));
  client.talk(*connection);
  EXPECT_EQ(client.of(stream).body, framed("1"));
  EXPECT_TRUE(connection->isClosing());
}

TEST_F(Http2ConnectionTest, RefusesMoreCallsAtATimeThanItAllows) {
  limits.streams = 2;
  restart();
  client.talk(*connection);
  std::vector<int32_t> streams;
  for (int i = 0; i < 2; ++i) streams.push_back(client.call("/slow", framed("1")));
  client.talk(*connection);
  // nghttp2's client holds a third back by itself, as the server's settings ask.
  const int32_t third = client.call("/slow", framed("1"));
  client.talk(*connection);
  EXPECT_EQ(echo.seen.size(), 2U);
  EXPECT_TRUE(connection->complete(echo.waiting[0], answerWith("1")));
  client.talk(*connection);
  EXPECT_EQ(echo.seen.size(), 3U);
  EXPECT_FALSE(client.of(third).closed.has_value());
}

TEST_F(Http2ConnectionTest, EndsFloodsOfResets) {
  for (int i = 0; i < 3000 && !connection->isClosing(); ++i) {
    const int32_t stream = client.call("/slow", framed("1"));
    std::string bytes = client.output();
    client.cancel(stream);
    bytes += client.output();
    connection->feed(bytes);
    client.feed(connection->output());
    connection->sent(connection->output().size());
  }
  EXPECT_EQ(client.goaway(), uint32_t{NGHTTP2_ENHANCE_YOUR_CALM});
  EXPECT_TRUE(connection->isClosing());
  EXPECT_LT(echo.seen.size(), 1100U);
  EXPECT_TRUE(*echo.flags.back());
}

TEST_F(Http2ConnectionTest, EndsFloodsOfPings) {
  for (int i = 0; i < 3000 && !connection->isClosing(); ++i) {
    client.ping();
    client.talk(*connection);
  }
  EXPECT_EQ(client.goaway(), uint32_t{NGHTTP2_ENHANCE_YOUR_CALM});
}

TEST_F(Http2ConnectionTest, LetsClientsGiveCallsUpAtTheirDeadlines) {
  for (int i = 0; i < 3000; ++i) {
    const int32_t stream = client.call("/slow", framed("1"), {{"grpc-timeout", "1n"}});
    client.talk(*connection);
    client.cancel(stream);
    client.talk(*connection);
  }
  for (int i = 0; i < 5000; ++i) {
    client.ping();
    ask("/a", framed("1"));
  }
  EXPECT_FALSE(client.goaway().has_value());
  EXPECT_EQ(statusOf("/a", framed("1")), "0");
}

TEST_F(Http2ConnectionTest, ClosesWhatDoesNotSpeakHttp2) {
  connection->feed("GET / HTTP/1.1\r\nHost: a\r\n\r\nand more than the preface has");
  EXPECT_TRUE(connection->isClosing());
}

TEST_F(Http2ConnectionTest, TellsAnIdleClientThatItCloses) {
  client.talk(*connection);
  connection->timeOut();
  EXPECT_TRUE(connection->isClosing());
  client.feed(connection->output());
  EXPECT_EQ(client.goaway(), uint32_t{NGHTTP2_NO_ERROR});
}

}  // namespace
}  // namespace aios::server::protocol
