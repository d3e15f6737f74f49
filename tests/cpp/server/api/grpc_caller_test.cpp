#include "server/api/grpc_caller.hpp"

#include <gtest/gtest.h>

#include "server/message.hpp"
#include "server/tiny_server.hpp"

namespace aios::server::api {
namespace {

using namespace std::string_literals;

// A ModelInferRequest of one row to "tiny".
std::string inferRequest(const char* shape = "\x01\x02") {
  const Message input = Message().text(1, "x").text(2, "FP32").text(3, shape);
  return Message().text(1, "tiny").add(5, input).text(7, Message::bytesOf<float>({1, 2})).bytes();
}

class GrpcCallerTest : public ::testing::Test {
 protected:
  protocol::GrpcAnswer call(const HotMethod& method, const std::string& message) {
    Route route;
    route.grpc = method;
    return Caller(0).call(*tiny.table().find("tiny", 2, "").model, {route, std::nullopt, message});
  }

  TinyServer tiny;
};

TEST_F(GrpcCallerTest, AnswersAModelInfer) {
  const protocol::GrpcAnswer answer = call({GrpcMethod::kModelInfer, false}, inferRequest());
  EXPECT_EQ(answer.code, 0) << answer.message;
  EXPECT_EQ(fieldOf(answer.body, 6), Message::bytesOf<float>({2, 4, 4, 5}));
}

TEST_F(GrpcCallerTest, TellsAnErrorByItsCodeAndCountsIt) {
  const protocol::GrpcAnswer answer =
      call({GrpcMethod::kModelInfer, false}, inferRequest("\x01\x03"));
  EXPECT_EQ(answer.code, 3);
  EXPECT_NE(answer.message.find("input 'x'"), std::string::npos) << answer.message;
  EXPECT_EQ(answer.body, "");
  const auto totals =
      tiny.table().find("tiny", 2, "").model->totals(Protocol::kKServe, Transport::kGrpc);
  EXPECT_EQ(totals.requests[static_cast<std::size_t>(Outcome::kClientError)], 1U);
}

TEST_F(GrpcCallerTest, ReadsACallToRunItWithOthers) {
  const std::string message = inferRequest();
  Route route;
  route.grpc = {GrpcMethod::kModelInfer, true};
  Workspace workspace;
  const Draft draft =
      readGrpc(*tiny.table().find("tiny", 2, "").model, {route, std::nullopt, message}, workspace);
  ASSERT_NE(draft.endpoint, nullptr);
  EXPECT_EQ(workspace.batch(), 1);
  const auto answer = draft.write(workspace.run(*draft.endpoint));
  EXPECT_EQ(fieldOf(std::get<protocol::GrpcAnswer>(answer).body, {2, 6}),
            Message::bytesOf<float>({2, 4, 4, 5}));
  route.grpc = {GrpcMethod::kClassify, false};
  EXPECT_NE(
      readGrpc(*tiny.table().find("tiny", 2, "").model, {route, std::nullopt, message}, workspace)
          .whole,
      nullptr);
}

TEST_F(GrpcCallerTest, WrapsAnswersAndErrorsOfAStream) {
  const protocol::GrpcAnswer answer = call({GrpcMethod::kModelInfer, true}, inferRequest());
  EXPECT_EQ(fieldOf(answer.body, {2, 6}), Message::bytesOf<float>({2, 4, 4, 5}));
  const protocol::GrpcAnswer error = call({GrpcMethod::kModelInfer, true}, "\xFF");
  EXPECT_EQ(error.code, 0);
  EXPECT_NE(fieldOf(error.body, 1), "");
  EXPECT_EQ(fieldOf(error.body, 2), "");
}

TEST_F(GrpcCallerTest, SaysWhatIsNotThere) {
  Route route;
  route.model = "x";
  ModelTable::Found found;
  EXPECT_EQ(grpcNotFound(route, found).code, 5);
  EXPECT_EQ(grpcNotFound(route, found).message, "Request for unknown model: 'x' is not found");
  route.protocol = Protocol::kTensorFlowServing;
  EXPECT_EQ(grpcNotFound(route, found).message, "Servable not found for request: Latest(x)");
  found.label_is_known = false;
  route.label = "l";
  EXPECT_EQ(grpcNotFound(route, found).code, 3);
  EXPECT_EQ(grpcTokenNeeded().code, 16);
  EXPECT_EQ(grpcOverloaded().code, 14);
}

TEST_F(GrpcCallerTest, KnowsWhoseFaultACodeIs) {
  EXPECT_EQ(outcomeOfGrpc(0), Outcome::kOk);
  for (const int code : {3, 5, 9}) EXPECT_EQ(outcomeOfGrpc(code), Outcome::kClientError);
  for (const int code : {8, 13, 14}) EXPECT_EQ(outcomeOfGrpc(code), Outcome::kServerError);
}

}  // namespace
}  // namespace aios::server::api
