#include "server/protocol/http2_session.hpp"

#include <gtest/gtest.h>
#include <nghttp2/nghttp2.h>

#include <string>

#include "server/protocol/http2_client.hpp"

namespace aios::server::protocol {
namespace {

// Writes down what it is told, and answers "ok" in pieces of a byte.
class Log : public Http2Events {
 public:
  bool onBegin(int32_t stream) noexcept override {
    text += "begin" + std::to_string(stream) + " ";
    return true;
  }
  void onHeader(int32_t, const Http2Header& header) noexcept override {
    if (header.name == ":path") text += std::string(header.value) + " ";
  }
  void onHeadersEnd(int32_t) noexcept override { text += "headers "; }
  void onData(int32_t, std::string_view bytes) noexcept override {
    text += std::string(bytes) + " ";
  }
  void onEnd(int32_t) noexcept override { text += "end "; }
  void onClosed(int32_t) noexcept override { text += "closed "; }
  void onReset(int32_t) noexcept override { text += "reset "; }
  void onControl() noexcept override { text += "control "; }
  std::size_t onBody(int32_t stream, char* buffer, std::size_t, bool& is_last) noexcept override {
    if (body.empty()) return 0;
    *buffer = body.front();
    body.erase(0, 1);
    is_last = body.empty();
    if (is_last) {
      Http2Headers trailers;
      trailers.add("grpc-status", "0");
      session->trail(stream, trailers);
    }
    return 1;
  }

  std::string text;
  std::string body;
  Http2Session* session = nullptr;
};

class Http2SessionTest : public ::testing::Test {
 protected:
  Http2SessionTest() { log.session = &session; }
  // Until neither has anything to say.
  void talk() {
    for (bool said = true; said;) {
      const std::string to = client.output();
      EXPECT_TRUE(session.feed(to));
      said = !to.empty();
      for (std::string_view from = session.next(); !from.empty(); from = session.next()) {
        client.feed(from);
        said = true;
      }
    }
  }
  void respond(int32_t stream, bool with_body) {
    Http2Headers headers;
    headers.add(":status", "200");
    session.respond(stream, headers, with_body);
  }

  Log log;
  Http2Session session{log, {}};
  Http2Client client;
};

TEST_F(Http2SessionTest, TellsARequestAndSendsItsAnswer) {
  const int32_t stream = client.call("/a", "12");
  talk();
  EXPECT_EQ(log.text, "control begin1 /a headers 12 end ");
  respond(stream, true);
  talk();
  EXPECT_EQ(client.of(stream).body, "");
  log.body = "ok";
  session.resume(stream);
  talk();
  EXPECT_EQ(client.of(stream).body, "ok");
  EXPECT_EQ(client.of(stream).headers["grpc-status"], "0");
  EXPECT_EQ(log.text, "control begin1 /a headers 12 end closed ");
}

TEST_F(Http2SessionTest, TellsTheClientToSendNoMoreWhereTheAnswerIsWhole) {
  const int32_t stream = client.call("/a", "12", {}, true);
  talk();
  respond(stream, false);
  talk();
  EXPECT_EQ(client.of(stream).closed, uint32_t{NGHTTP2_NO_ERROR});
}

TEST_F(Http2SessionTest, TellsResetsAndFramesThatDoNothing) {
  const int32_t stream = client.call("/a", "", {}, true);
  talk();
  client.cancel(stream);
  client.ping();
  talk();
  EXPECT_EQ(log.text, "control begin1 /a headers control reset closed ");
}

TEST_F(Http2SessionTest, GivesTheClientRoomOnlyForWhatIsDoneWith) {
  const std::string large((1 << 20) + 100, 'x');
  const int32_t stream = client.call("/a", large);
  talk();
  EXPECT_EQ(log.text.find("end "), std::string::npos);
  session.consume(stream, 1 << 20);
  talk();
  EXPECT_NE(log.text.find("end "), std::string::npos);
}

TEST_F(Http2SessionTest, IsOverAfterAnError) {
  talk();
  EXPECT_TRUE(session.isAlive());
  session.goAway(Http2Error::kEnhanceYourCalm);
  talk();
  EXPECT_FALSE(session.isAlive());
  EXPECT_EQ(client.goaway(), uint32_t{NGHTTP2_ENHANCE_YOUR_CALM});
}

TEST_F(Http2SessionTest, RefusesWhatIsNotHttp2) {
  EXPECT_FALSE(session.feed("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
}

}  // namespace
}  // namespace aios::server::protocol
