#include "server/loop.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <new>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "scarce_memory.hpp"
#include "server/text_client.hpp"

namespace aios::server {
namespace {

class LoopTest : public ::testing::Test {
 protected:
  // Listens with these limits; returns the port.
  uint16_t start() {
    return start([this](Descriptor socket) { loop->adopt(std::move(socket)); });
  }
  uint16_t start(std::function<void(Descriptor)> place) {
    loop = std::make_unique<Loop>(0, limits, workers, slow_lane);
    auto listener = std::make_shared<Descriptor>(listenAt("127.0.0.1", 0));
    const uint16_t port = portOf(*listener);
    // As if a forked child held it.
    held.emplace_back(::dup(listener->value()));
    loop->post([this, listener, place] { loop->listen(std::move(*listener), place); });
    return port;
  }
  // Does `meanwhile` while the loop stands still, and then what was posted.
  void whileItStands(const std::function<void()>& meanwhile) {
    std::promise<void> stands, go_on;
    // Its own: the loop may still wake up when this returned.
    loop->post([&stands, told = go_on.get_future().share()] {
      stands.set_value();
      told.wait();
    });
    stands.get_future().wait();
    meanwhile();
    go_on.set_value();
  }
  // In the loop's thread; waited for.
  bool allocationFailedThere() {
    std::promise<bool> failed;
    loop->post([&] { failed.set_value(allocationFailed()); });
    return failed.get_future().get();
  }
  // Waits for it.
  void drain() {
    std::promise<void> done;
    loop->post([&] {
      loop->drain();
      done.set_value();
    });
    done.get_future().wait();
  }

  LoopLimits limits;
  SlowLane slow_lane{16};
  Workers workers{1, 1, {1}, [](const Ticket&, const protocol::Answer&) {}};
  std::vector<Descriptor> held;
  std::unique_ptr<Loop> loop;
};

constexpr const char* kNoModel =
    "POST /v1/models/x:predict HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n";

TEST_F(LoopTest, TellsAClientThatItTookTooLong) {
  limits.read_timeout = std::chrono::milliseconds(1);
  const TextClient client(start());
  client.send("POST /x HTTP/1.1\r\nHost: a\r\n");
  EXPECT_EQ(client.readUntil("").substr(0, 12), "HTTP/1.1 408");
  EXPECT_EQ(loop->counters().timed_out.value(), 1U);
}

TEST_F(LoopTest, ClosesConnectionsThatAreIdleForLong) {
  limits.idle_timeout = std::chrono::seconds(0);
  const TextClient client(start());
  EXPECT_EQ(client.readUntil(""), "");
}

TEST_F(LoopTest, RefusesConnectionsOverItsLimit) {
  limits.connections = 1;
  const uint16_t port = start();
  const TextClient kept(port), over(port);
  EXPECT_EQ(over.readUntil(""), "");
  EXPECT_EQ(loop->counters().refused.value(), 1U);
  kept.send("BAD\r\n\r\n");
  EXPECT_EQ(kept.readUntil("}").substr(0, 12), "HTTP/1.1 400");
}

TEST_F(LoopTest, AnswersAClientThatStillSendsWhatIsTooLarge) {
  limits.http.body_bytes = 10;
  const TextClient client(start());
  client.send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 30000\r\n\r\n");
  client.send(std::string(30000, 'x'));
  EXPECT_EQ(client.readUntil("}").substr(0, 12), "HTTP/1.1 413");
}

TEST_F(LoopTest, EndsAConnectionThatAForkedChildHolds) {
  const TextClient client(start([this](Descriptor socket) {
    held.emplace_back(::dup(socket.value()));
    loop->adopt(std::move(socket));
  }));
  client.send(kNoModel);
  EXPECT_EQ(client.readUntil("}").substr(0, 12), "HTTP/1.1 404");
  drain();
  char byte = 0;
  EXPECT_EQ(::recv(client.socket(), &byte, 1, 0), 0);
  EXPECT_EQ(loop->connections(), 0U);
}

TEST_F(LoopTest, ListensNoMoreAfterItDrainedThoughAForkedChildHoldsTheListener) {
  const uint16_t port = start();
  drain();
  const Descriptor socket(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_NE(::connect(socket.value(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
            0);
}

TEST_F(LoopTest, TellsThatAClientLeftWhileItsRequestWaited) {
  const uint16_t port = start();
  auto client = std::make_unique<TextClient>(port);
  client->send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
  const std::optional<SlowRequest> request = slow_lane.take();
  EXPECT_FALSE(request->ticket.isCancelled());
  client.reset();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!request->ticket.isCancelled()) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline);
    std::this_thread::yield();
  }
}

TEST_F(LoopTest, LosesOnlyTheConnectionForWhichThereIsNoMemory) {
  bool first = true;
  const uint16_t port = start([this, &first](Descriptor socket) {
    if (std::exchange(first, false)) throw std::bad_alloc();
    loop->adopt(std::move(socket));
  });
  const TextClient lost(port);
  EXPECT_EQ(lost.readUntil(""), "");
  const TextClient other(port);
  other.send(kNoModel);
  EXPECT_EQ(other.readUntil("}").substr(0, 12), "HTTP/1.1 404");
}

TEST_F(LoopTest, AnswersARequestThatCameBeforeItDrained) {
  const TextClient client(start());
  client.send(kNoModel);
  client.readUntil("}");
  whileItStands([&] {
    client.send(kNoModel);
    loop->post([this] { loop->drain(); });
  });
  EXPECT_EQ(client.readUntil("").substr(0, 12), "HTTP/1.1 404");
}

TEST_F(LoopTest, AnswersAClientThatConnectedBeforeItDrained) {
  const uint16_t port = start();
  std::unique_ptr<TextClient> client;
  whileItStands([&] {
    client = std::make_unique<TextClient>(port);
    client->send(kNoModel);
    loop->post([this] { loop->drain(); });
  });
  EXPECT_EQ(client->readUntil("").substr(0, 12), "HTTP/1.1 404");
}

TEST_F(LoopTest, DrainsThoughAClientNeverStopsSending) {
  const TextClient client(start());
  std::string many;
  for (int i = 0; i < 2000; ++i) many += kNoModel;
  const timeval moment{0, 1000};
  setsockopt(client.socket(), SOL_SOCKET, SO_SNDTIMEO, &moment, sizeof moment);
  whileItStands([&] {
    // As much as the kernel takes.
    while (::send(client.socket(), many.data(), many.size(), MSG_NOSIGNAL) > 0) {
    }
    loop->post([this] { loop->drain(); });
  });
  EXPECT_EQ(client.readUntil("").substr(0, 12), "HTTP/1.1 404");
}

class ScarceMemory : public LoopTest {
 protected:
  void SetUp() override {
    if (!canMakeMemoryScarce()) GTEST_SKIP() << "sanitizers allocate by themselves";
  }
  void expectToAnswer(uint16_t port) {
    const TextClient other(port);
    other.send(kNoModel);
    EXPECT_EQ(other.readUntil("}").substr(0, 12), "HTTP/1.1 404");
  }
};

TEST_F(ScarceMemory, EndsOnlyTheConnectionThatCouldNotBeToldThatItTookTooLong) {
  limits.read_timeout = std::chrono::milliseconds(1);
  const uint16_t port = start();
  const TextClient lost(port);
  lost.send("POST /x HTTP/1.1\r\nHost: a\r\n");
  while (loop->connections() == 0) std::this_thread::yield();
  loop->post(failNextAllocation);
  EXPECT_EQ(lost.readUntil(""), "");
  EXPECT_TRUE(allocationFailedThere());
  expectToAnswer(port);
}

TEST_F(ScarceMemory, DrainsTheOtherConnections) {
  const uint16_t port = start();
  const TextClient lost(port), other(port);
  for (const TextClient* client : {&lost, &other}) {
    client->send(kNoModel);
    client->readUntil("}");
  }
  whileItStands([&] {
    for (const TextClient* client : {&lost, &other}) client->send(kNoModel);
    loop->post([this] {
      failNextAllocation();
      loop->drain();
    });
  });
  EXPECT_EQ(lost.readUntil(""), "");
  EXPECT_EQ(other.readUntil("").substr(0, 12), "HTTP/1.1 404");
}

TEST_F(ScarceMemory, LosesOnlyTheConnectionThatAnotherLoopGave) {
  bool first = true;
  const uint16_t port = start([this, &first](Descriptor socket) {
    const auto shared = std::make_shared<Descriptor>(std::move(socket));
    loop->post([this, shared, &first] {
      if (std::exchange(first, false)) failNextAllocation();
      loop->adopt(std::move(*shared));
    });
  });
  const TextClient lost(port);
  EXPECT_EQ(lost.readUntil(""), "");
  EXPECT_EQ(loop->counters().accepted.value(), 0U);
  expectToAnswer(port);
  EXPECT_EQ(loop->counters().accepted.value(), 1U);
}

TEST_F(LoopTest, RunsWhatIsPostedInTheOrderInWhichItWasPosted) {
  start();
  std::vector<int> order;
  std::promise<void> done;
  for (int i = 0; i < 100; ++i) {
    loop->post([&order, i] { order.push_back(i); });
  }
  loop->post([&done] { done.set_value(); });
  done.get_future().wait();
  ASSERT_EQ(order.size(), 100U);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
}

}  // namespace
}  // namespace aios::server
