#include "server/workers.hpp"

#include <gtest/gtest.h>
#include <pthread.h>

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
  Workers workers(1, 1, 100, [&](const Ticket& ticket, const protocol::Answer& answer) {
    answers.push_back(std::to_string(ticket.request) + " " +
                      std::to_string(std::get<protocol::HttpAnswer>(answer).status));
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

// While it lives, no thread can be started: its stack would be larger than all addresses.
class NoThreads {
 public:
  NoThreads() {
    pthread_getattr_default_np(&before_);
    pthread_attr_t attributes;
    pthread_getattr_default_np(&attributes);
    pthread_attr_setstacksize(&attributes, std::size_t{1} << 48);
    pthread_setattr_default_np(&attributes);
    pthread_attr_destroy(&attributes);
  }
  ~NoThreads() {
    pthread_setattr_default_np(&before_);
    pthread_attr_destroy(&before_);
  }
  NoThreads(const NoThreads&) = delete;
  NoThreads& operator=(const NoThreads&) = delete;

 private:
  pthread_attr_t before_;
};

TEST(Workers, SayThatNoThreadIsLeftAndLeaveTheSignalsAsTheyWere) {
  {
    const NoThreads none;
    EXPECT_THROW(Workers(2, 1, 1, [](const Ticket&, const protocol::Answer&) {}), Error);
  }
  sigset_t mine;
  pthread_sigmask(SIG_SETMASK, nullptr, &mine);
  EXPECT_EQ(sigismember(&mine, SIGTERM), 0);
  EXPECT_NO_THROW(Workers(2, 1, 1, [](const Ticket&, const protocol::Answer&) {}));
}

}  // namespace
}  // namespace aios::server
