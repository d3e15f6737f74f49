#include "server/request_log.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <thread>

namespace aios::server {
namespace {

using std::chrono::microseconds;

constexpr const char* kSampled = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

FinishedRequest request() {
  FinishedRequest finished;
  finished.begin = std::chrono::system_clock::time_point(microseconds(1700000000000007));
  finished.took = microseconds(42);
  finished.client = "127.0.0.1";
  finished.protocol = "kserve";
  finished.method = "POST";
  finished.target = "/v2/models/m/infer";
  finished.model = "m";
  finished.version = 3;
  finished.status = 200;
  finished.bytes = 17;
  return finished;
}

TEST(AppendLine, IsOneObjectALine) {
  std::string lines;
  appendLine(request(), lines);
  EXPECT_EQ(lines.back(), '\n');
  const nlohmann::json expected = {{"time", "2023-11-14T22:13:20.000007Z"},
                                   {"client", "127.0.0.1"},
                                   {"protocol", "kserve"},
                                   {"method", "POST"},
                                   {"path", "/v2/models/m/infer"},
                                   {"model", "m"},
                                   {"version", 3},
                                   {"status", 200},
                                   {"us", 42},
                                   {"bytes", 17}};
  EXPECT_EQ(nlohmann::json::parse(lines), expected);
}

TEST(AppendLine, SaysLessOfARequestThatCalledNoModel) {
  FinishedRequest finished = request();
  finished.model.clear();
  finished.version.reset();
  finished.target = "/\n\"" + std::string(1000, 'x');
  finished.client = "\xFF";
  std::string lines;
  appendLine(finished, lines);
  const nlohmann::json line = nlohmann::json::parse(lines);
  EXPECT_FALSE(line.contains("model") || line.contains("version"));
  EXPECT_EQ(line["path"].get<std::string>().size(), 512U);
  EXPECT_EQ(line["client"], "text that isn't UTF-8");
  EXPECT_EQ(lines.find('\n'), lines.size() - 1);
}

TEST(IsSampled, FollowsTheClientsFlag) {
  EXPECT_TRUE(isSampled(kSampled));
  EXPECT_TRUE(isSampled(std::string(kSampled) + "-later"));
  std::string other = kSampled;
  other.back() = '2';
  EXPECT_FALSE(isSampled(other));
  other.back() = 'x';
  EXPECT_FALSE(isSampled(other));
  EXPECT_FALSE(isSampled(""));
  EXPECT_FALSE(isSampled("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331"));
}

TEST(RequestLog, GivesLinesAndSampledSpansToWhoeverTakesThem) {
  RequestLog log({true, true});
  log.append(request());
  FinishedRequest sampled = request();
  sampled.traceparent = kSampled;
  log.append(std::move(sampled));
  const std::string lines = log.takeLines();
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 2);
  const auto spans = log.takeSpans();
  ASSERT_EQ(spans.size(), 1U);
  EXPECT_EQ(spans.front().traceparent, kSampled);
  EXPECT_EQ(spans.front().model, "m");
}

TEST(RequestLog, DropsWhatNobodyTakesAndCountsIt) {
  RequestLog log({true, false});
  FinishedRequest long_one = request();
  long_one.model.assign(1 << 20, 'm');
  for (int i = 0; i < 10; ++i) log.append(FinishedRequest(long_one));
  EXPECT_EQ(log.dropped(), 3U);
  EXPECT_LE(log.takeLines().size(), std::size_t{8} << 20);
  log.append(request());
  EXPECT_EQ(log.dropped(), 3U);
  EXPECT_LT(log.takeLines().size(), 1000U);
}

TEST(RequestLog, KeepsNothingThatNobodyWants) {
  RequestLog log({false, true});
  EXPECT_TRUE(log.isOn());
  EXPECT_FALSE(RequestLog({}).isOn());
  log.append(request());
  log.close();
  EXPECT_EQ(log.takeLines(), "");
  EXPECT_TRUE(log.takeSpans().empty());
  EXPECT_EQ(log.dropped(), 0U);
}

TEST(RequestLog, WakesWhoeverWaitsAndGivesTheLastOnesBeforeItEnds) {
  RequestLog log({true, false});
  std::string taken;
  std::thread writer([&] {
    for (std::string lines = log.takeLines(); !lines.empty(); lines = log.takeLines()) {
      taken += lines;
    }
  });
  for (int i = 0; i < 100; ++i) log.append(request());
  log.close();
  writer.join();
  EXPECT_EQ(std::count(taken.begin(), taken.end(), '\n'), 100);
}

}  // namespace
}  // namespace aios::server
