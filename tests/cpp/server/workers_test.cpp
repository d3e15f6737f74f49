#include "server/workers.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <future>
#include <string>
#include <vector>

#include "server/tiny_server.hpp"

namespace aios::server {
namespace {

TEST(Workers, AnswerWhatIsQueuedBeforeTheyStop) {
  const TinyServer tiny;
  const auto counted = std::make_shared<ServedModel>("tiny", 1, tiny.model(), 2);
  std::vector<std::string> answers;
  Workers workers(1, 1, 100, [&](const Ticket& ticket, protocol::HttpAnswer answer) {
    answers.push_back(std::to_string(ticket.request) + " " + std::to_string(answer.status));
  });
  api::Route route;
  route.protocol = Protocol::kTensorFlowServing;
  for (uint64_t i = 0; i < 3; ++i) {
    const std::string body = i == 1 ? "{" : R"({"instances": [[1, 2]]})";
    EXPECT_TRUE(workers.submit({{0, 1, i}, counted, route, std::nullopt, body}));
  }
  workers.stop();
  EXPECT_EQ(answers, (std::vector<std::string>{"0 200", "1 400", "2 200"}));
  EXPECT_EQ(counted->totals(Protocol::kTensorFlowServing).requests[0], 2U);
  EXPECT_FALSE(workers.submit({{}, counted, route, std::nullopt, ""}));
}

TEST(Workers, TakeNoSignals) {
  std::promise<bool> blocked;
  std::thread thread = startThread([&] {
    sigset_t set;
    pthread_sigmask(SIG_SETMASK, nullptr, &set);
    blocked.set_value(sigismember(&set, SIGTERM) == 1 && sigismember(&set, SIGINT) == 1);
  });
  EXPECT_TRUE(blocked.get_future().get());
  thread.join();
  sigset_t mine;
  pthread_sigmask(SIG_SETMASK, nullptr, &mine);
  EXPECT_EQ(sigismember(&mine, SIGTERM), 0);
}

}  // namespace
}  // namespace aios::server
