#include "server/server.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <string>

#include "expect_error.hpp"
#include "server/tiny_server.hpp"

namespace aios::server {
namespace {

// A client that sends and reads text.
class Client {
 public:
  explicit Client(uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval longest{20, 0};
    setsockopt(socket_.value(), SOL_SOCKET, SO_RCVTIMEO, &longest, sizeof longest);
    EXPECT_EQ(
        ::connect(socket_.value(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  int socket() const { return socket_.value(); }
  void send(const std::string& text) const {
    EXPECT_EQ(::send(socket_.value(), text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }
  // What comes until the words do; or until the end.
  std::string readUntil(const std::string& words) const {
    std::string text;
    char buffer[4096];
    while (words.empty() || text.find(words) == std::string::npos) {
      const ssize_t count = ::recv(socket_.value(), buffer, sizeof buffer, 0);
      if (count <= 0) break;
      text.append(buffer, static_cast<std::size_t>(count));
    }
    return text;
  }

 private:
  Descriptor socket_;
};

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
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 20; ++i) clients.push_back(std::make_unique<Client>(port));
  for (const auto& client : clients) client->send(predict());
  for (const auto& client : clients) {
    EXPECT_NE(client->readUntil("]\n}").find("{\"y\": [2.0, 4.0], \"z\": [4.0, 5.0]}"),
              std::string::npos);
  }
  EXPECT_EQ(server->totals().accepted, 20U);
}

TEST_F(ServerTest, HandsOtherRequestsToWhoeverTakesThem) {
  const Client client(port);
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
  const Client one(port), other(port);
  one.send(kGet);
  other.send(kGet);
  // One of the two waits for somebody who takes it, the other is told so.
  pollfd sockets[] = {{one.socket(), POLLIN, 0}, {other.socket(), POLLIN, 0}};
  ASSERT_EQ(::poll(&sockets[0], 2, 20000), 1);
  const Client& refused = sockets[0].revents != 0 ? one : other;
  EXPECT_EQ(refused.readUntil("}").substr(0, 12), "HTTP/1.1 503");
}

TEST_F(ServerTest, SwapsItsModels) {
  const Client client(port);
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
  const Client busy(port), idle(port);
  idle.send(predict());
  idle.readUntil("]\n}");
  busy.send(kGet);
  const std::optional<SlowRequest> request = server->take();
  EXPECT_FALSE(server->drain(std::chrono::milliseconds(0)));
  EXPECT_EQ(idle.readUntil(""), "");
  server->respond(request->ticket, {});
  EXPECT_NE(busy.readUntil("").find("Connection: close"), std::string::npos);
  EXPECT_TRUE(server->drain(std::chrono::seconds(20)));
}

TEST_F(ServerTest, CutsConnectionsWhenItEnds) {
  const Client client(port);
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
