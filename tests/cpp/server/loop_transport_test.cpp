#include <gtest/gtest.h>
#include <sys/socket.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "server/loop.hpp"
#include "server/text_client.hpp"
#include "server/tls_client.hpp"
#include "server/tls_files.hpp"

namespace aios::server {
namespace {

// A loop whose clients speak TLS.
class LoopTransportTest : public ::testing::Test {
 protected:
  void SetUp() override {
    AIOS_NEEDS_OPENSSL();
    context = std::make_unique<TlsContext>(folder.files(), std::vector<std::string>{"http/1.1"});
  }
  uint16_t start() {
    loop = std::make_unique<Loop>(0, limits, workers, slow_lane);
    auto listener = std::make_shared<Descriptor>(listenAt("127.0.0.1", 0));
    const uint16_t port = portOf(*listener);
    loop->post([this, listener] {
      loop->listen(std::move(*listener), [this](Descriptor socket) {
        loop->adopt(std::move(socket), context->accept());
      });
    });
    return port;
  }
  void shakeHands(const TextClient& socket, TlsClient& client) {
    std::string buffer(4096, '\0');
    client.shakeHands();
    while (client.protocol().empty()) {
      socket.send(client.output());
      const ssize_t count = ::recv(socket.socket(), buffer.data(), buffer.size(), 0);
      ASSERT_GT(count, 0);
      client.receive(std::string_view(buffer).substr(0, static_cast<std::size_t>(count)));
      client.shakeHands();
    }
  }
  // Gives and takes bytes until the server has said these words, or the end; returns all it said.
  std::string readUntil(const TextClient& socket, TlsClient& client, const std::string& words) {
    std::string said, buffer(4096, '\0');
    ssize_t count = 1;
    while (count > 0 && (words.empty() || said.find(words) == std::string::npos)) {
      if (const std::string bytes = client.output(); !bytes.empty()) socket.send(bytes);
      count = ::recv(socket.socket(), buffer.data(), buffer.size(), 0);
      if (count > 0) {
        client.receive(std::string_view(buffer).substr(0, static_cast<std::size_t>(count)));
      }
      said += client.read();
    }
    return said;
  }

  TlsFolder folder;
  std::unique_ptr<TlsContext> context;
  LoopLimits limits;
  SlowLane slow_lane{16};
  Workers workers{1, 1, {1}, [](const Ticket&, const protocol::Answer&) {}};
  std::unique_ptr<Loop> loop;
};

// Answered with 404, which ends with a brace.
constexpr const char* kNoModel =
    "POST /v1/models/x:predict HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n";

TEST_F(LoopTransportTest, AnswersByTlsAgainAndAgain) {
  const TextClient socket(start());
  TlsClient client;
  shakeHands(socket, client);
  for (int i = 0; i < 3; ++i) {
    client.write(kNoModel);
    client.write("\r\n");
    EXPECT_EQ(readUntil(socket, client, "}").substr(0, 12), "HTTP/1.1 404");
  }
}

TEST_F(LoopTransportTest, EndsWithAFarewell) {
  const TextClient socket(start());
  TlsClient client;
  shakeHands(socket, client);
  client.write(std::string(kNoModel) + "Connection: close\r\n\r\n");
  EXPECT_EQ(readUntil(socket, client, "").substr(0, 12), "HTTP/1.1 404");
  EXPECT_TRUE(client.wasToldOfEnd());
}

TEST_F(LoopTransportTest, CutsAClientThatDoesNotFinishItsHandshake) {
  limits.read_timeout = std::chrono::milliseconds(1);
  const TextClient socket(start());
  TlsClient client;
  client.shakeHands();
  socket.send(client.output().substr(0, 20));
  EXPECT_EQ(socket.readUntil(""), "");
  EXPECT_EQ(loop->counters().timed_out.value(), 1U);
}

TEST_F(LoopTransportTest, EndsWhatIsNoTls) {
  const TextClient socket(start());
  socket.send(std::string(kNoModel) + "\r\n");
  EXPECT_EQ(socket.readUntil("").find("HTTP"), std::string::npos);
}

}  // namespace
}  // namespace aios::server
