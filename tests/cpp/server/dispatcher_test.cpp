#include "server/dispatcher.hpp"

#include <gtest/gtest.h>

#include <future>
#include <mutex>

#include "server/tiny_server.hpp"

namespace aios::server {
namespace {

class DispatcherTest : public ::testing::Test {
 protected:
  DispatcherTest() {
    const auto model = std::make_shared<ServedModel>("tiny", 1, tiny.model(), 2);
    dispatcher.use(
        std::make_shared<ModelTable>(ServedModels{model}, std::map<std::string, Routing>()));
    dispatcher.setConnection(0, 7, peer);
  }

  // Whether the request is answered at once.
  bool dispatch(const std::string& target, const std::string& body,
                protocol::HttpRequest request = {}) {
    request.method = "POST";
    request.target = target;
    request.body = body;
    request.waiter.request = 9;
    return dispatcher.answer(request, answer);
  }
  bool predict(const std::string& body) { return dispatch("/v1/models/tiny:predict", body); }
  // Calls are timed every so often; on a busy machine one may look slow for a while.
  bool isAnsweredInPlaceOnceItIsKnown(const std::string& body) {
    for (int attempt = 0; attempt < 10000; ++attempt) {
      if (predict(body)) return true;
      tiny.post("/v1/models/tiny:predict", body);
    }
    return false;
  }

  TinyServer tiny;
  SlowLane slow_lane{1};
  std::promise<protocol::HttpAnswer> delivered;
  Ticket ticket;
  std::once_flag once;
  Workers workers{1, 1, {20000}, [this](const Ticket& of, protocol::Answer given) {
                    std::call_once(once, [&] {
                      ticket = of;
                      delivered.set_value(std::get<protocol::HttpAnswer>(std::move(given)));
                    });
                  }};
  const Peer peer;
  Dispatcher dispatcher{0, workers, slow_lane, true};
  protocol::HttpAnswer answer;
};

constexpr const char* kOne = R"({"instances": [[1, 2]]})";

TEST_F(DispatcherTest, HandsACallOfUnknownLengthToAWorker) {
  // Nothing is known of batches of three.
  EXPECT_FALSE(predict(R"({"instances": [[1, 2], [3, 4], [5, 6]]})"));
  const protocol::HttpAnswer given = delivered.get_future().get();
  EXPECT_EQ(given.status, 200);
  EXPECT_NE(given.body.find("\"z\": [8.0, 9.0]"), std::string::npos) << given.body;
  EXPECT_EQ(ticket.connection, 7U);
  EXPECT_EQ(ticket.request, 9U);
}

TEST_F(DispatcherTest, AnswersAFastCallInPlace) {
  EXPECT_TRUE(isAnsweredInPlaceOnceItIsKnown(kOne));
  EXPECT_EQ(answer.status, 200);
}

TEST_F(DispatcherTest, HandsEveryCallToAWorkerWhereItMayWaitForThreads) {
  ASSERT_TRUE(isAnsweredInPlaceOnceItIsKnown(kOne));
  Dispatcher waiting(0, workers, slow_lane, false);
  waiting.use(dispatcher.use(std::make_shared<ModelTable>()));
  protocol::HttpRequest request;
  request.method = "POST";
  request.target = "/v1/models/tiny:predict";
  request.body = kOne;
  EXPECT_FALSE(waiting.answer(request, answer));
}

TEST_F(DispatcherTest, HandsALargeBodyToAWorkerUnread) {
  ASSERT_TRUE(isAnsweredInPlaceOnceItIsKnown(kOne));
  EXPECT_FALSE(predict(kOne + std::string(100000, ' ')));
}

TEST_F(DispatcherTest, LeavesDecompressingToAWorker) {
  ASSERT_TRUE(isAnsweredInPlaceOnceItIsKnown(kOne));
  protocol::HttpRequest request;
  request.content_encoding = "gzip";
  const std::string body = wire::compressed(wire::Encoding::kGzip, kOne);
  EXPECT_FALSE(dispatch("/v1/models/tiny:predict", body, request));
  request.content_encoding = "br";
  EXPECT_TRUE(dispatch("/v1/models/tiny:predict", body, request));
  EXPECT_EQ(answer.status, 415);
}

TEST_F(DispatcherTest, AnswersWhatNoModelCanAtOnce) {
  EXPECT_TRUE(dispatch("/v1/models/nope:predict", kOne));
  EXPECT_EQ(answer.status, 404);
}

TEST_F(DispatcherTest, HandsOtherRequestsToTheSlowLaneUntilThatIsFull) {
  EXPECT_FALSE(dispatch("/v2", ""));
  EXPECT_TRUE(dispatch("/v2", ""));
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(slow_lane.take()->target, "/v2");
}

TEST_F(DispatcherTest, AnswersNoCallWithoutATokenWhereOneIsNeeded) {
  dispatcher.protect(std::make_shared<AccessPolicy>(std::vector<HashedToken>()));
  EXPECT_TRUE(predict(kOne));
  EXPECT_EQ(answer.status, 401);
  EXPECT_FALSE(dispatch("/v2", ""));
  EXPECT_EQ(slow_lane.take()->granted, Scope::kOpen);
}

TEST_F(DispatcherTest, TellsTheSlowLaneWhatAClientMay) {
  Peer local;
  local.is_local = true;
  dispatcher.setConnection(0, 7, local);
  EXPECT_FALSE(dispatch("/v2", ""));
  EXPECT_EQ(slow_lane.take()->granted, Scope::kAdmin);
  dispatcher.setConnection(0, 7, peer);
  EXPECT_FALSE(dispatch("/v2", ""));
  EXPECT_EQ(slow_lane.take()->granted, Scope::kInfer);
}

TEST_F(DispatcherTest, AnswersNoClientThatAsksTooOften) {
  ClientLimits clients({0.001, 1, 0});
  Dispatcher limited(0, workers, slow_lane, true, 1 << 20, &clients);
  limited.setConnection(0, 7, peer);
  const protocol::HttpRequest request;
  EXPECT_FALSE(limited.answer(request, answer));
  EXPECT_TRUE(limited.answer(request, answer));
  EXPECT_EQ(answer.status, 429);
}

TEST_F(DispatcherTest, RefusesALargeBodyForTheSlowLane) {
  EXPECT_TRUE(dispatch("/v2", std::string((1 << 20) + 1, ' ')));
  EXPECT_EQ(answer.status, 413);
  EXPECT_EQ(slow_lane.size(), 0U);
}

}  // namespace
}  // namespace aios::server
