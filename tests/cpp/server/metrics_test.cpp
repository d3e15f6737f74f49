#include "server/metrics.hpp"

#include <gtest/gtest.h>

namespace aios::server {
namespace {

using std::chrono::microseconds;

TEST(CallCounters, CountsByOutcomeAndGoodCallsByLatency) {
  CallCounters counters;
  counters.record(Protocol::kKServe, Outcome::kOk, 3, microseconds(1));
  counters.record(Protocol::kKServe, Outcome::kOk, 2, microseconds(15));
  counters.record(Protocol::kKServe, Outcome::kOk, 1, std::chrono::seconds(9));
  counters.record(Protocol::kKServe, Outcome::kClientError, 7, microseconds(1));
  CallTotals totals;
  counters.addTo(Protocol::kKServe, totals);
  EXPECT_EQ(totals.requests, (std::array<uint64_t, 3>{3, 1, 0}));
  EXPECT_EQ(totals.samples, 6U);
  EXPECT_EQ(totals.latency[0], 1U);
  EXPECT_EQ(totals.latency[4], 1U);
  EXPECT_EQ(totals.latency.back(), 1U);
  EXPECT_DOUBLE_EQ(totals.latency_us, 9000016.0);
}

TEST(CallCounters, KeepsProtocolsApart) {
  CallCounters counters;
  counters.record(Protocol::kTensorFlowServing, Outcome::kServerError, 1, microseconds(1));
  CallTotals totals;
  counters.addTo(Protocol::kKServe, totals);
  EXPECT_EQ(totals.requests[2], 0U);
  counters.addTo(Protocol::kTensorFlowServing, totals);
  EXPECT_EQ(totals.requests[2], 1U);
}

TEST(CallCounters, KeepsTransportsTasksAndSignaturesApart) {
  CallCounters counters(2);
  const CallKind kind(Protocol::kTensorFlowServing, Transport::kGrpc, Task::kRegress, 1);
  counters.record(kind, Outcome::kOk, 4, microseconds(3));
  counters.record(kind, Outcome::kServerError, 1, microseconds(5));
  CallTotals same, other_signature, other_task, all, http;
  counters.addAnsweredTo(kind, same);
  EXPECT_EQ(same.answered(), 1U);
  EXPECT_EQ(same.samples, 4U);
  counters.addAnsweredTo({kind.protocol, kind.transport, kind.task, 0}, other_signature);
  counters.addAnsweredTo({kind.protocol, kind.transport, Task::kClassify, 1}, other_task);
  EXPECT_EQ(other_signature.answered() + other_task.answered(), 0U);
  counters.addTo(kind.protocol, kind.transport, all);
  EXPECT_EQ(all.answered(), 1U);
  EXPECT_EQ(all.requests, (std::array<uint64_t, 3>{1, 0, 1}));
  EXPECT_DOUBLE_EQ(all.failed_us, 5.0);
  counters.addTo(kind.protocol, Transport::kHttp, http);
  EXPECT_EQ(http.answered() + http.requests[2], 0U);
}

TEST(CallCounters, RemembersWhenTheLastCallWentWell) {
  CallCounters counters;
  counters.record(Protocol::kKServe, Outcome::kClientError, 1, microseconds(1));
  EXPECT_EQ(counters.lastMs(), 0U);
  counters.record(Protocol::kKServe, Outcome::kOk, 1, microseconds(1));
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto now_ms = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  EXPECT_LE(counters.lastMs(), static_cast<uint64_t>(now_ms));
  EXPECT_GT(counters.lastMs(), static_cast<uint64_t>(now_ms) - 3600000);
}

TEST(Metrics, NamesProtocolsByTheirTransport) {
  EXPECT_STREQ(name(Protocol::kKServe), "kserve");
  EXPECT_STREQ(name(Protocol::kKServe, Transport::kGrpc), "kserve-grpc");
  EXPECT_STREQ(name(Protocol::kTensorFlowServing, Transport::kGrpc), "tensorflow-serving-grpc");
  EXPECT_STREQ(name(Task::kClassify), "classify");
}

TEST(Outcome, FollowsTheStatus) {
  EXPECT_EQ(outcomeOf(200), Outcome::kOk);
  EXPECT_EQ(outcomeOf(404), Outcome::kClientError);
  EXPECT_EQ(outcomeOf(503), Outcome::kServerError);
}

}  // namespace
}  // namespace aios::server
