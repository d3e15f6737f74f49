#include "server/server.hpp"

#include <gtest/gtest.h>
#include <poll.h>

#include <string>
#include <thread>

#include "expect_error.hpp"
#include "server/text_client.hpp"
#include "server/tiny_server.hpp"

namespace aios::server {
namespace {

std::string predict(const std::string& model = "tiny") {
  const std::string body = R"({"instances": [[1, 2]]})";
  return "POST /v1/models/" + model +
         ":predict HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}
const std::string kGet = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";

class ServerTest : public ::testing::Test {
 protected:
  ServerTest() {
    ServerOptions options;
    options.io_threads = 2;
    options.waiting_requests = 1;
    server = std::make_unique<Server>(options);
    port = server->listen("127.0.0.1", 0);
    server->use({server->serve("tiny", 1, tiny.model())}, {});
  }

  TinyServer tiny;
  std::unique_ptr<Server> server;
  uint16_t port = 0;
};

TEST_F(ServerTest, AnswersManyConnections) {
  std::vector<std::unique_ptr<TextClient>> clients;
  for (int i = 0; i < 20; ++i) clients.push_back(std::make_unique<TextClient>(port));
  for (const auto& client : clients) client->send(predict());
  for (const auto& client : clients) {
    EXPECT_NE(client->readUntil("]\n}").find("{\"y\": [2.0, 4.0], \"z\": [4.0, 5.0]}"),
              std::string::npos);
  }
  EXPECT_EQ(server->totals().accepted, 20U);
}

TEST_F(ServerTest, HandsOtherRequestsToWhoeverTakesThem) {
  const TextClient client(port);
  client.send(kGet + predict());
  const std::optional<SlowRequest> request = server->take();
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(request->method + " " + request->target, "GET /x");
  protocol::HttpAnswer answer;
  answer.body = "slow";
  server->respond(request->ticket, answer);
  server->respond(request->ticket, answer);  // a second time: for nobody
  const std::string text = client.readUntil("]\n}");
  EXPECT_LT(text.find("slow"), text.find("predictions"));
  EXPECT_EQ(text.find("slow"), text.rfind("slow"));
}

TEST_F(ServerTest, RefusesRequestsWhileTooManyWait) {
  const TextClient one(port), other(port);
  one.send(kGet);
  other.send(kGet);
  // One of the two waits for somebody who takes it, the other is told so.
  pollfd sockets[] = {{one.socket(), POLLIN, 0}, {other.socket(), POLLIN, 0}};
  ASSERT_EQ(::poll(&sockets[0], 2, 20000), 1);
  const TextClient& refused = sockets[0].revents != 0 ? one : other;
  EXPECT_EQ(refused.readUntil("}").substr(0, 12), "HTTP/1.1 503");
}

TEST_F(ServerTest, SwapsItsModels) {
  const TextClient client(port);
  server->use({server->serve("other", 1, tiny.model())}, {});
  client.send(predict());
  EXPECT_NE(client.readUntil("}").find("Servable not found"), std::string::npos);
  client.send(predict("other"));
  EXPECT_NE(client.readUntil("]\n}").find("predictions"), std::string::npos);
}

TEST_F(ServerTest, GivesAModelBackWhenItIsNoLongerUsed) {
  const std::weak_ptr<runtime::LoadedModel> model = tiny.model();
  const long before = model.use_count();
  server->use({}, {});
  EXPECT_EQ(model.use_count(), before - 1);
}

TEST_F(ServerTest, DrainsAnswersAndCloses) {
  const TextClient idle(port);
  auto busy = std::make_unique<TextClient>(port);
  idle.send(predict());
  idle.readUntil("]\n}");
  busy->send(kGet);
  const std::optional<SlowRequest> request = server->take();
  EXPECT_FALSE(server->drain(std::chrono::milliseconds(0)));
  EXPECT_EQ(idle.readUntil(""), "");
  server->respond(request->ticket, {});
  EXPECT_NE(busy->readUntil("").find("Connection: close"), std::string::npos);
  busy.reset();
  EXPECT_TRUE(server->drain(std::chrono::seconds(20)));
}

TEST_F(ServerTest, AnswersWhoConnectedAndAskedBeforeItDrained) {
  std::vector<std::unique_ptr<TextClient>> clients;
  for (int i = 0; i < 20; ++i) clients.push_back(std::make_unique<TextClient>(port));
  for (const auto& client : clients) client->send(predict());
  std::thread drains([this] { EXPECT_TRUE(server->drain(std::chrono::seconds(20))); });
  for (const auto& client : clients) {
    EXPECT_EQ(client->readUntil("").substr(0, 12), "HTTP/1.1 200");
  }
  clients.clear();
  drains.join();
}

TEST_F(ServerTest, CutsConnectionsWhenItEnds) {
  const TextClient client(port);
  client.send(kGet);
  server->take();
  server.reset();
  EXPECT_EQ(client.readUntil(""), "");
}

TEST(Server, SaysWhyItCannotListen) {
  Server server{ServerOptions()};
  EXPECT_AIOS_ERROR(server.listen("nowhere", 0), kInvalidArgument, "expected an address");
  const uint16_t port = server.listen("127.0.0.1", 0);
  EXPECT_AIOS_ERROR(server.listen("127.0.0.1", port), kFailedPrecondition, "can't listen at");
}

}  // namespace
}  // namespace aios::server
