#include "server/request_observer.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "server/tiny_server.hpp"

namespace aios::server {
namespace {

constexpr uint64_t kConnection = 7;

class RequestObserverTest : public ::testing::Test {
 protected:
  RequestObserverTest() {
    const auto model = std::make_shared<ServedModel>("tiny", 3, tiny.model(), 2);
    dispatcher.use(
        std::make_shared<ModelTable>(ServedModels{model}, std::map<std::string, Routing>()));
    peer.is_unix = true;
    dispatcher.setConnection(0, kConnection, peer);
    observer.setConnection(kConnection, peer);
  }

  // Whether the request is answered at once.
  bool ask(const std::string& method, const std::string& target, uint64_t number,
           protocol::Cancellation* cancellation = nullptr) {
    protocol::HttpRequest request;
    request.waiter.cancellation = cancellation;
    request.method = method;
    request.target = target;
    request.body = R"({"instances": [[1, 2]]})";
    request.waiter.request = number;
    return observer.answer(request, answer);
  }
  // What was logged so far: one line a request.
  std::vector<nlohmann::json> logged() {
    log.append(FinishedRequest());  // So that there is something to take.
    std::istringstream lines(log.takeLines());
    std::vector<nlohmann::json> documents;
    for (std::string line; std::getline(lines, line);) {
      documents.push_back(nlohmann::json::parse(line));
    }
    documents.pop_back();
    return documents;
  }
  static protocol::HttpAnswer answerOf(int status, const std::string& body) {
    protocol::HttpAnswer answer;
    answer.status = status;
    answer.body = body;
    return answer;
  }

  TinyServer tiny;
  SlowLane slow_lane{8};
  Workers workers{1, 1, {100}, [](const Ticket&, const protocol::Answer&) {}};
  Dispatcher dispatcher{0, workers, slow_lane, false};
  RequestLog log{{true, false}};
  RequestObserver observer{dispatcher, log};
  Peer peer;
  protocol::HttpAnswer answer;
};

TEST_F(RequestObserverTest, LogsWhatIsAnsweredAtOnce) {
  EXPECT_TRUE(ask("POST", "/v1/models/none:predict", 1));
  const auto lines = logged();
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0]["status"], 404);
  EXPECT_EQ(lines[0]["bytes"], answer.body.size());
  EXPECT_EQ(lines[0]["client"], "unix");
  EXPECT_EQ(lines[0]["protocol"], "http");
  EXPECT_FALSE(lines[0].contains("model"));
}

TEST_F(RequestObserverTest, LogsWhatIsAnsweredLaterOnceItIs) {
  EXPECT_FALSE(ask("GET", "/v2", 1));
  EXPECT_FALSE(ask("POST", "/v1/models/tiny:predict", 2));
  EXPECT_TRUE(logged().empty());
  observer.complete(kConnection, 2, answerOf(200, "12345"));
  observer.complete(kConnection, 2, answerOf(500, ""));
  observer.complete(kConnection + 1, 1, answerOf(500, ""));
  auto lines = logged();
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0]["model"], "tiny");
  EXPECT_EQ(lines[0]["version"], 3);
  EXPECT_EQ(lines[0]["protocol"], "tensorflow-serving");
  EXPECT_EQ(lines[0]["path"], "/v1/models/tiny:predict");
  EXPECT_EQ(lines[0]["bytes"], 5);
  observer.complete(kConnection, 1, answerOf(200, ""));
  lines = logged();
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0]["path"], "/v2");
  EXPECT_EQ(lines[0]["method"], "GET");
}

TEST_F(RequestObserverTest, LogsWhomNobodyAnswersAsAClientThatLeft) {
  EXPECT_FALSE(ask("GET", "/v2", 1));
  observer.forget(kConnection);
  observer.forget(kConnection);
  const auto lines = logged();
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0]["status"], 499);
}

TEST_F(RequestObserverTest, KeepsNoRequestThatItsClientGaveUpBeyondTheNextOne) {
  {
    protocol::Cancellation cancellation;
    EXPECT_FALSE(ask("GET", "/v2", 1, &cancellation));
    EXPECT_FALSE(ask("GET", "/v2", 2));
    EXPECT_TRUE(logged().empty());
  }
  EXPECT_FALSE(ask("GET", "/v2", 3));
  auto lines = logged();
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0]["status"], 499);
  for (const uint64_t number : {1U, 2U, 3U}) {
    observer.complete(kConnection, number, answerOf(200, ""));
  }
  lines = logged();
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0]["status"], 200);
  EXPECT_EQ(lines[1]["status"], 200);
}

TEST_F(RequestObserverTest, AnswersStreamsOfGrpcAsTheDispatcherDoes) {
  for (const char* const path : {"/inference.GRPCInferenceService/ModelStreamInfer",
                                 "/grpc.health.v1.Health/Watch", "/other"}) {
    EXPECT_EQ(observer.kindOf(path), dispatcher.kindOf(path)) << path;
  }
  EXPECT_EQ(observer.kindOf("/grpc.health.v1.Health/Watch"), protocol::GrpcKind::kUnending);
}

TEST_F(RequestObserverTest, RefusesAndLogsWhoeverSendsABodyWithoutTheTokenThatIsNeeded) {
  EXPECT_FALSE(ask("POST", "/v1/models/tiny:predict", 1));
  protocol::HttpRequest head;
  head.method = "POST";
  head.target = "/v2/models/tiny/infer";
  EXPECT_FALSE(observer.refuses(head, answer));
  EXPECT_TRUE(logged().empty());
  dispatcher.protect(std::make_shared<AccessPolicy>(std::vector<HashedToken>()));
  EXPECT_TRUE(observer.refuses(head, answer));
  EXPECT_EQ(answer.status, 401);
  const auto lines = logged();
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0]["status"], 401);
  EXPECT_EQ(lines[0]["path"], "/v2/models/tiny/infer");
  EXPECT_FALSE(lines[0].contains("model"));
  protocol::GrpcRequest call;
  call.path = "/inference.GRPCInferenceService/ModelInfer";
  protocol::GrpcAnswer told;
  EXPECT_TRUE(observer.refusesCall(call, told));
  EXPECT_EQ(logged().at(0)["status"], 16);
}

}  // namespace
}  // namespace aios::server
