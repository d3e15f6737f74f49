#include "server/workers.hpp"

#include <gtest/gtest.h>
#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <future>
#include <map>
#include <mutex>
#include <new>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "server/tiny_server.hpp"

namespace aios::server {
namespace {

TEST(Workers, AnswerWhatIsQueuedBeforeTheyStop) {
  const TinyServer tiny;
  const auto counted = std::make_shared<ServedModel>("tiny", 1, tiny.model(), 2);
  std::set<std::string> answers;  // a bad request may be told so before others are answered
  Workers workers(1, 1, {100}, [&](const Ticket& ticket, const protocol::Answer& answer) {
    answers.insert(std::to_string(ticket.request) + " " +
                   std::to_string(std::get<protocol::HttpAnswer>(answer).status));
  });
  api::Route route;
  route.protocol = Protocol::kTensorFlowServing;
  for (uint64_t i = 0; i < 3; ++i) {
    const std::string body = i == 1 ? "{" : R"({"instances": [[1, 2]]})";
    EXPECT_TRUE(workers.submit({{0, 1, i}, counted, route, std::nullopt, body}));
  }
  workers.stop();
  EXPECT_EQ(answers, (std::set<std::string>{"0 200", "1 400", "2 200"}));
  EXPECT_EQ(counted->totals(Protocol::kTensorFlowServing).requests[0], 2U);
  EXPECT_FALSE(workers.submit({{}, counted, route, std::nullopt, ""}));
}

// One worker that is held back with its first answer until it may go on.
class BusyWorker : public testing::Test {
 protected:
  BusyWorker() {
    EXPECT_TRUE(submit(one, 0));
    entered.get_future().wait();
  }
  Job job(const std::shared_ptr<const ServedModel>& model, uint64_t request) const {
    api::Route route;
    route.protocol = Protocol::kTensorFlowServing;
    return {{0, 1, request}, model, route, std::nullopt, R"({"instances": [[1, 2]]})"};
  }
  bool submit(const std::shared_ptr<const ServedModel>& model, uint64_t request) {
    return workers.submit(job(model, request));
  }
  std::shared_ptr<const ServedModel> model(const std::string& name) const {
    return std::make_shared<ServedModel>(name, 1, tiny.model(), 2);
  }
  // The requests that were answered.
  std::set<uint64_t> goOn() {
    held.set_value();
    workers.stop();
    return answered;
  }

  TinyServer tiny;
  std::shared_ptr<const ServedModel> one = model("one"), other = model("other");
  std::promise<void> entered, held;
  std::set<uint64_t> answered;
  Workers workers{1, 1, {2}, [this](const Ticket& ticket, const protocol::Answer&) {
                    if (answered.empty()) {
                      entered.set_value();
                      held.get_future().wait();
                    }
                    answered.insert(ticket.request);
                  }};
};

TEST_F(BusyWorker, RefusesCallsOfAModelOfWhichTooManyWaitAndOfNoOther) {
  EXPECT_TRUE(submit(one, 1));
  EXPECT_TRUE(submit(one, 2));
  EXPECT_FALSE(submit(one, 3));
  EXPECT_TRUE(submit(other, 4));
  EXPECT_EQ(workers.waiting(), 3U);
  EXPECT_EQ(goOn(), (std::set<uint64_t>{0, 1, 2, 4}));
}

TEST(Workers, GoOnAfterAnAnswerForWhichThereWasNoMemory) {
  const TinyServer tiny;
  const auto model = std::make_shared<ServedModel>("tiny", 1, tiny.model(), 2);
  int calls = 0;
  std::map<uint64_t, int> statuses;
  Workers workers(1, 1, {100}, [&](const Ticket& ticket, const protocol::Answer& answer) {
    if (++calls <= 2) throw std::bad_alloc();
    statuses[ticket.request] = std::get<protocol::HttpAnswer>(answer).status;
  });
  api::Route route;
  route.protocol = Protocol::kTensorFlowServing;
  for (uint64_t i = 0; i < 2; ++i) {
    EXPECT_TRUE(
        workers.submit({{0, 1, i}, model, route, std::nullopt, R"({"instances": [[1, 2]]})"}));
  }
  workers.stop();
  ASSERT_EQ(statuses.size(), 2U);
  // By memory: 429, as TensorFlow Serving says it.
  EXPECT_EQ(std::max(statuses[0], statuses[1]), 429);
}

TEST_F(BusyWorker, AnswersNothingThatWaitedWhenItWasToldToDropIt) {
  EXPECT_TRUE(submit(one, 1));
  EXPECT_TRUE(submit(other, 2));
  workers.drop();
  EXPECT_EQ(workers.waiting(), 0U);
  EXPECT_FALSE(submit(one, 3));
  EXPECT_EQ(goOn(), std::set<uint64_t>{0});
}

TEST_F(BusyWorker, MakesRoomByDroppingCallsWhoseClientsLeft) {
  Job left = job(one, 1);
  const auto cancelled = std::make_shared<std::atomic<bool>>(false);
  left.ticket.cancelled = cancelled;
  EXPECT_TRUE(workers.submit(std::move(left)));
  EXPECT_TRUE(submit(one, 2));
  EXPECT_FALSE(submit(one, 3));
  *cancelled = true;
  bool taken = false;
  for (int attempt = 0; attempt < 16 && !taken; ++attempt) taken = submit(one, 3);
  EXPECT_TRUE(taken);
  EXPECT_EQ(goOn(), (std::set<uint64_t>{0, 2, 3}));
  EXPECT_EQ(one->executionTotals().inference_count, 3U);
}

TEST(Workers, AnswerEachOfManyCallsOfManyThreadsOnce) {
  const TinyServer tiny;
  const auto model = std::make_shared<ServedModel>("tiny", 1, tiny.model(), 3);
  std::mutex mutex;
  std::map<uint64_t, std::string> answers;
  Workers workers(2, 1, {10000}, [&](const Ticket& ticket, const protocol::Answer& answer) {
    const std::lock_guard<std::mutex> lock(mutex);
    EXPECT_TRUE(
        answers.emplace(ticket.request, std::get<protocol::HttpAnswer>(answer).body).second);
  });
  api::Route route;
  route.protocol = Protocol::kTensorFlowServing;
  std::vector<std::thread> clients;
  for (uint64_t client = 0; client < 4; ++client) {
    clients.emplace_back([&, client] {
      for (uint64_t i = client; i < 400; i += 4) {
        const std::string body = "{\"instances\": [[" + std::to_string(i) + ", 0]]}";
        EXPECT_TRUE(workers.submit({{0, client, i}, model, route, std::nullopt, body}));
      }
    });
  }
  for (std::thread& client : clients) client.join();
  workers.stop();
  ASSERT_EQ(answers.size(), 400U);
  for (const auto& [request, body] : answers) {
    const std::string y = "\"y\": [" + std::to_string(2 * request) + ".0, 0.0]";
    EXPECT_NE(body.find(y), std::string::npos) << request << ": " << body;
  }
  const ExecutionTotals totals = model->executionTotals();
  EXPECT_EQ(totals.inference_count, 400U);
  EXPECT_EQ(totals.queued, 400U);
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
    EXPECT_THROW(Workers(2, 1, {1}, [](const Ticket&, const protocol::Answer&) {}), Error);
  }
  sigset_t mine;
  pthread_sigmask(SIG_SETMASK, nullptr, &mine);
  EXPECT_EQ(sigismember(&mine, SIGTERM), 0);
  EXPECT_NO_THROW(Workers(2, 1, {1}, [](const Ticket&, const protocol::Answer&) {}));
}

}  // namespace
}  // namespace aios::server
