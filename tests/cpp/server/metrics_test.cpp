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

TEST(Outcome, FollowsTheStatus) {
  EXPECT_EQ(outcomeOf(200), Outcome::kOk);
  EXPECT_EQ(outcomeOf(404), Outcome::kClientError);
  EXPECT_EQ(outcomeOf(503), Outcome::kServerError);
}

}  // namespace
}  // namespace aios::server
