#include "server/executions.hpp"

#include <gtest/gtest.h>

namespace aios::server {
namespace {

using std::chrono::nanoseconds;

TEST(ExecutionCounters, CountSamplesRunsAndWhatTheyTookByTheSizeOfTheBatch) {
  ExecutionCounters counters;
  counters.record({4, nanoseconds(10), nanoseconds(200), nanoseconds(3)});
  counters.record({4, nanoseconds(20), nanoseconds(300), nanoseconds(0)});
  counters.recordOutput(4, nanoseconds(4));
  counters.record({1, nanoseconds(1), nanoseconds(70), nanoseconds(2)});
  ExecutionTotals totals;
  counters.addTo(totals);
  EXPECT_EQ(totals.inference_count, 9U);
  EXPECT_EQ(totals.execution_count, 3U);
  EXPECT_EQ(totals.batches[4].executions, 2U);
  EXPECT_EQ(totals.batches[4].input_ns, 30U);
  EXPECT_EQ(totals.batches[4].infer_ns, 500U);
  EXPECT_EQ(totals.batches[4].output_ns, 7U);
  EXPECT_EQ(totals.batches[1].infer_ns, 70U);
}

TEST(ExecutionCounters, CountLargeBatchesTogether) {
  ExecutionCounters counters;
  counters.record({64, nanoseconds(1), nanoseconds(1), nanoseconds(1)});
  counters.record({65, nanoseconds(1), nanoseconds(1), nanoseconds(1)});
  counters.record({5000, nanoseconds(1), nanoseconds(1), nanoseconds(1)});
  ExecutionTotals totals;
  counters.addTo(totals);
  EXPECT_EQ(totals.batches[64].executions, 1U);
  EXPECT_EQ(totals.batches[0].executions, 2U);
  EXPECT_EQ(totals.inference_count, 5129U);
}

TEST(ExecutionCounters, CountWhatWaitedAndWhatWasNeverRun) {
  ExecutionCounters counters, other;
  counters.recordWait(nanoseconds(500));
  other.recordWait(nanoseconds(700));
  counters.countRefused();
  counters.countExpired();
  other.countCancelled();
  ExecutionTotals totals;
  counters.addTo(totals);
  other.addTo(totals);
  EXPECT_EQ(totals.queued, 2U);
  EXPECT_EQ(totals.queue_ns, 1200U);
  EXPECT_EQ(totals.refused, 1U);
  EXPECT_EQ(totals.expired, 1U);
  EXPECT_EQ(totals.cancelled, 1U);
  EXPECT_EQ(totals.execution_count, 0U);
}

}  // namespace
}  // namespace aios::server
