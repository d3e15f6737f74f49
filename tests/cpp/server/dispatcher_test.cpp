#include "server/dispatcher.hpp"

#include <gtest/gtest.h>

#include <future>
#include <mutex>
#include <vector>

#include "server/message.hpp"
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
  // Whether a call by gRPC is answered at once.
  bool call(const std::string& path, const std::string& message) {
    protocol::GrpcRequest request;
    request.path = path;
    request.message = message;
    request.waiter.request = 9;
    return dispatcher.call(request, grpc);
  }
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
  std::promise<protocol::Answer> delivered;
  Ticket ticket;
  std::once_flag once;
  Workers workers{1, 1, {20000}, [this](const Ticket& of, protocol::Answer given) {
                    std::call_once(once, [&] {
                      ticket = of;
                      delivered.set_value(std::move(given));
                    });
                  }};
  const Peer peer;
  Dispatcher dispatcher{0, workers, slow_lane, true};
  protocol::HttpAnswer answer;
  protocol::GrpcAnswer grpc;
};

constexpr const char* kOne = R"({"instances": [[1, 2]]})";

TEST_F(DispatcherTest, HandsACallOfUnknownLengthToAWorker) {
  // Nothing is known of batches of three.
  EXPECT_FALSE(predict(R"({"instances": [[1, 2], [3, 4], [5, 6]]})"));
  const auto given = std::get<protocol::HttpAnswer>(delivered.get_future().get());
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

TEST_F(DispatcherTest, WantsNoBodyOfAClientWithoutATokenWhereOneIsNeeded) {
  protocol::HttpRequest head;
  EXPECT_FALSE(dispatcher.refuses(head, answer));
  dispatcher.protect(std::make_shared<AccessPolicy>(std::vector<HashedToken>()));
  EXPECT_TRUE(dispatcher.refuses(head, answer));
  EXPECT_EQ(answer.status, 401);
}

TEST_F(DispatcherTest, WantsNoMessageOfAClientWithoutATokenForAModel) {
  protocol::GrpcRequest head;
  head.path = "/inference.GRPCInferenceService/ModelInfer";
  EXPECT_FALSE(dispatcher.refusesCall(head, grpc));
  dispatcher.protect(std::make_shared<AccessPolicy>(std::vector<HashedToken>()));
  EXPECT_TRUE(dispatcher.refusesCall(head, grpc));
  EXPECT_EQ(grpc.code, 16);
  head.path = "/grpc.health.v1.Health/Check";
  EXPECT_FALSE(dispatcher.refusesCall(head, grpc));
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

constexpr const char* kInfer = "/inference.GRPCInferenceService/ModelInfer";
constexpr const char* kStreamInfer = "/inference.GRPCInferenceService/ModelStreamInfer";

// A ModelInferRequest to "tiny".
std::string inferRequest(const std::vector<float>& row) {
  const Message input = Message().text(1, "x").text(2, "FP32").text(3, "\x01\x02");
  return Message().text(1, "tiny").add(5, input).text(7, Message::bytesOf(row)).bytes();
}

TEST_F(DispatcherTest, CallsModelsByGrpc) {
  // Where calls of one sample are known to be fast, in place, else by a worker.
  protocol::GrpcAnswer given;
  if (call(kInfer, inferRequest({1, 2}))) {
    given = grpc;
  } else {
    given = std::get<protocol::GrpcAnswer>(delivered.get_future().get());
    EXPECT_EQ(ticket.request, 9U);
  }
  EXPECT_EQ(given.code, 0) << given.message;
  EXPECT_EQ(fieldOf(given.body, 6), Message::bytesOf<float>({2, 4, 4, 5}));
}

TEST_F(DispatcherTest, AnswersAFastCallByGrpcInPlace) {
  ASSERT_TRUE(isAnsweredInPlaceOnceItIsKnown(kOne));
  bool in_place = false;
  for (int attempt = 0; attempt < 10000 && !in_place; ++attempt) {
    in_place = call(kInfer, inferRequest({1, 2}));
  }
  EXPECT_TRUE(in_place);
  EXPECT_EQ(fieldOf(grpc.body, 6), Message::bytesOf<float>({2, 4, 4, 5}));
}

TEST_F(DispatcherTest, TellsErrorsByGrpcInTheFormOfTheMethod) {
  EXPECT_TRUE(call(kInfer, Message().text(1, "nope").bytes()));
  EXPECT_EQ(grpc.code, 5);
  EXPECT_TRUE(call(kInfer, "\xFF"));
  EXPECT_EQ(grpc.code, 3);
  EXPECT_TRUE(call(kStreamInfer, Message().text(1, "nope").bytes()));
  EXPECT_EQ(grpc.code, 0);
  EXPECT_EQ(fieldOf(grpc.body, 1), "Request for unknown model: 'nope' is not found");
  EXPECT_EQ(dispatcher.kindOf(kStreamInfer), protocol::GrpcKind::kEach);
}

TEST_F(DispatcherTest, HandsOtherMethodsToTheSlowLaneUntilThatIsFull) {
  EXPECT_FALSE(call("/a.B/C", "12"));
  EXPECT_TRUE(call("/a.B/C", "12"));
  EXPECT_EQ(grpc.code, 14);
  const SlowRequest request = *slow_lane.take();
  EXPECT_TRUE(request.is_grpc);
  EXPECT_EQ(request.target, "/a.B/C");
  EXPECT_EQ(request.body, "12");
  EXPECT_EQ(request.ticket.request, 9U);
  EXPECT_TRUE(call("/a.B/C", std::string((1 << 20) + 1, ' ')));
  EXPECT_EQ(grpc.code, 8);
}

TEST_F(DispatcherTest, AsksByGrpcForTheTokenToo) {
  dispatcher.protect(std::make_shared<const AccessPolicy>(std::vector<HashedToken>()));
  EXPECT_TRUE(call(kInfer, inferRequest({1, 2})));
  EXPECT_EQ(grpc.code, 16);
  EXPECT_FALSE(call("/a.B/C", ""));
  EXPECT_EQ(slow_lane.take()->granted, Scope::kOpen);
}

TEST_F(DispatcherTest, RefusesALargeBodyForTheSlowLane) {
  EXPECT_TRUE(dispatch("/v2", std::string((1 << 20) + 1, ' ')));
  EXPECT_EQ(answer.status, 413);
  EXPECT_EQ(slow_lane.size(), 0U);
}

}  // namespace
}  // namespace aios::server
