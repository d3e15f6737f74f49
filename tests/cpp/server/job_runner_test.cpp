#include "server/job_runner.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <new>

#include "scarce_memory.hpp"
#include "server/message.hpp"
#include "server/tiny_server.hpp"

namespace aios::server {
namespace {

// Jobs that wait, in a row.
class Waiting final : public JobSource {
 public:
  std::size_t waiting(const ServedModel&) override { return jobs.size(); }
  std::optional<Job> take(const ServedModel&) override {
    if (jobs.empty()) return std::nullopt;
    std::optional<Job> job(std::move(jobs.front()));
    jobs.pop_front();
    return job;
  }

  std::deque<Job> jobs;
};

class JobRunnerTest : public testing::Test {
 protected:
  // Predictions of rows; a row that isn't valid JSON is a bad request.
  Job job(uint64_t request, const std::string& rows) {
    api::Route route;
    route.protocol = Protocol::kTensorFlowServing;
    return {Ticket{0, 1, request}, model, route, std::nullopt, R"({"instances": [)" + rows + "]}"};
  }
  Job grpcJob(uint64_t request, const api::HotMethod& method, const std::string& message) {
    api::Route route;
    route.grpc = method;
    return {Ticket{0, 1, request}, model, route, std::nullopt, message};
  }
  void wait(uint64_t request, const std::string& rows) {
    waiting.jobs.push_back(job(request, rows));
  }
  // Runs it, and gives the answers by request.
  std::map<uint64_t, protocol::HttpAnswer> run(Job&& first) {
    runner.run(std::move(first), waiting);
    return std::move(answers);
  }
  uint64_t executions(std::size_t samples) const {
    return model->executionTotals().batches[samples].executions;
  }

  TinyServer tiny;
  std::shared_ptr<const ServedModel> model =
      std::make_shared<ServedModel>("tiny", 1, tiny.model(), 1);
  Waiting waiting;
  std::map<uint64_t, protocol::HttpAnswer> answers;
  std::map<uint64_t, protocol::GrpcAnswer> grpc_answers;
  JobRunner::Deliver deliver = [this](const Ticket& ticket, protocol::Answer answer) {
    if (auto* const grpc = std::get_if<protocol::GrpcAnswer>(&answer); grpc != nullptr) {
      EXPECT_TRUE(grpc_answers.emplace(ticket.request, *grpc).second);
      return;
    }
    EXPECT_TRUE(answers.emplace(ticket.request, std::get<protocol::HttpAnswer>(answer)).second);
  };
  // As of a model that takes as long for a batch as for one sample.
  JobRunner runner{0, {8, 16}, deliver, [](const runtime::Endpoint&) -> runtime::BatchTimes {
                     return {[](int64_t) { return 100.0; }, [](int64_t) { return true; }};
                   }};
};

std::string row(const std::string& y, const std::string& z) {
  return "{\"y\": [" + y + "], \"z\": [" + z + "]}";
}

TEST_F(JobRunnerTest, AnswersAJobAloneWhereNoOtherWaits) {
  const auto given = run(job(1, "[1, 2]"));
  EXPECT_EQ(given.at(1).status, 200);
  EXPECT_NE(given.at(1).body.find(row("2.0, 4.0", "4.0, 5.0")), std::string::npos);
  EXPECT_EQ(executions(1), 1U);
}

TEST_F(JobRunnerTest, AnswersSeveralJobsByOneRunOfTheModelAndEachItsOwnSamples) {
  wait(2, "[3, 4], [5, 6]");
  wait(3, "[7, 8]");
  const auto given = run(job(1, "[1, 2]"));
  EXPECT_NE(given.at(1).body.find("[" + row("2.0, 4.0", "4.0, 5.0") + "\n"), std::string::npos);
  EXPECT_NE(given.at(2).body.find("[" + row("6.0, 8.0", "6.0, 7.0") + ", " +
                                  row("10.0, 12.0", "8.0, 9.0") + "\n"),
            std::string::npos);
  EXPECT_NE(given.at(3).body.find("[" + row("14.0, 16.0", "10.0, 11.0") + "\n"), std::string::npos);
  const ExecutionTotals totals = model->executionTotals();
  EXPECT_EQ(totals.execution_count, 1U);
  EXPECT_EQ(totals.inference_count, 4U);
  EXPECT_EQ(totals.queued, 3U);
  EXPECT_EQ(executions(4), 1U);
  EXPECT_EQ(model->totals(Protocol::kTensorFlowServing).samples, 4U);
}

TEST_F(JobRunnerTest, AnswersCallsByGrpcTogetherWithThoseByHttp) {
  const Message input = Message().text(1, "x").text(2, "FP32").text(3, "\x01\x02");
  const Message infer =
      Message().text(1, "tiny").add(5, input).text(7, Message::bytesOf<float>({5, 6}));
  waiting.jobs.push_back(grpcJob(2, {api::GrpcMethod::kModelInfer, false}, infer.bytes()));
  waiting.jobs.push_back(grpcJob(3, {api::GrpcMethod::kModelInfer, true}, infer.bytes()));
  const auto given = run(job(1, "[1, 2]"));
  EXPECT_EQ(given.at(1).status, 200);
  EXPECT_EQ(fieldOf(grpc_answers.at(2).body, 6), Message::bytesOf<float>({10, 12, 8, 9}));
  EXPECT_EQ(fieldOf(grpc_answers.at(3).body, {2, 6}), Message::bytesOf<float>({10, 12, 8, 9}));
  EXPECT_EQ(executions(3), 1U);
}

TEST_F(JobRunnerTest, AnswersAsAWholeWhatIsNotRunWithOthers) {
  waiting.jobs.push_back(grpcJob(2, {api::GrpcMethod::kMultiInference, false}, "\xFF"));
  const auto given = run(job(1, "[1, 2]"));
  EXPECT_EQ(given.at(1).status, 200);
  EXPECT_EQ(grpc_answers.at(2).code, static_cast<int>(ErrorCode::kInvalidArgument));
}

TEST_F(JobRunnerTest, LeavesWhatIsTooMuchForOneBatchToTheNext) {
  for (uint64_t i = 2; i <= 12; ++i) wait(i, "[1, 2]");
  EXPECT_EQ(run(job(1, "[1, 2]")).size(), 8U);
  EXPECT_EQ(executions(8), 1U);
  EXPECT_EQ(waiting.jobs.size(), 4U);
}

TEST_F(JobRunnerTest, KeepsNoMoreBodiesAtATimeThanItHasMemoryFor) {
  const std::string blanks(32 << 20, ' ');
  for (uint64_t i = 2; i <= 3; ++i) wait(i, "[1, 2]" + blanks);
  EXPECT_EQ(run(job(1, "[1, 2]" + blanks)).size(), 2U);
  EXPECT_EQ(executions(2), 1U);
  EXPECT_EQ(waiting.jobs.size(), 1U);
}

TEST_F(JobRunnerTest, AnswersALargerRequestByItselfThatDoesNotFitIntoTheBatch) {
  wait(2, "[1, 2], [1, 2], [1, 2], [1, 2], [1, 2], [1, 2], [1, 2], [1, 2]");
  EXPECT_EQ(run(job(1, "[1, 2]")).size(), 2U);
  EXPECT_EQ(executions(1), 1U);
  EXPECT_EQ(executions(8), 1U);
}

TEST_F(JobRunnerTest, TellsABadRequestSoAndAnswersItsNeighbours) {
  wait(2, "[1]");
  wait(3, "{");
  wait(4, "[5, 6]");
  const auto given = run(job(1, "[1, 2]"));
  EXPECT_EQ(given.at(1).status, 200);
  EXPECT_EQ(given.at(2).status, 400);
  EXPECT_EQ(given.at(3).status, 400);
  EXPECT_EQ(given.at(4).status, 200);
  EXPECT_EQ(executions(2), 1U);
}

TEST_F(JobRunnerTest, SaysSoWhereThereIsNoMemoryToReadAJob) {
  if (!canMakeMemoryScarce()) GTEST_SKIP() << "sanitizers allocate by themselves";
  Job first = job(1, "[1, 2]");
  failNextAllocation();
  runner.run(std::move(first), waiting);
  EXPECT_TRUE(allocationFailed());
  const auto given = run(job(2, "[1, 2]"));
  EXPECT_EQ(given.at(1).status, 429);
  EXPECT_EQ(given.at(1).body, R"({"error": "not enough memory for this request"})");
  EXPECT_EQ(given.at(2).status, 200);
}

TEST_F(JobRunnerTest, AnswersEachOfABatchOnceWhereThereIsNoMemoryToDeliverAnAnswer) {
  int failures = 2;
  deliver = [&](const Ticket& ticket, const protocol::Answer& answer) {
    if (--failures >= 0) throw std::bad_alloc();
    EXPECT_TRUE(answers.emplace(ticket.request, std::get<protocol::HttpAnswer>(answer)).second);
  };
  wait(2, "[3, 4]");
  wait(3, "[5, 6]");
  const auto given = run(job(1, "[1, 2]"));
  ASSERT_EQ(given.size(), 3U);
  for (const auto& [request, answer] : given) EXPECT_EQ(answer.status, 429) << request;
  EXPECT_EQ(executions(3), 1U);
}

TEST_F(JobRunnerTest, RunsNothingForWhomNobodyWaits) {
  waiting.jobs.push_back(job(2, "[1, 2]"));
  waiting.jobs.back().ticket.cancelled = std::make_shared<std::atomic<bool>>(true);
  wait(3, "[1, 2]");
  const auto given = run(job(1, "[1, 2]"));
  EXPECT_EQ(given.count(2), 0U);
  EXPECT_EQ(given.size(), 2U);
  EXPECT_EQ(executions(2), 1U);
  EXPECT_EQ(model->executionTotals().cancelled, 1U);
}

TEST_F(JobRunnerTest, TellsWhoWaitedTooLongSoAndRunsNothingForIt) {
  using Clock = std::chrono::steady_clock;
  for (const bool by_protocol : {true, false}) {
    Job late = job(by_protocol ? 1 : 2, "[1, 2]");
    (by_protocol ? late.ticket.deadline : late.urgency.deadline) = Clock::time_point::min();
    runner.run(std::move(late), waiting);
  }
  EXPECT_EQ(answers.at(1).status, 503);
  EXPECT_EQ(answers.at(1).body, R"({"error": "Request timeout expired"})");
  EXPECT_EQ(answers.at(2).status, 503);
  EXPECT_EQ(model->executionTotals().expired, 2U);
  EXPECT_EQ(model->executionTotals().execution_count, 0U);
}

}  // namespace
}  // namespace aios::server
