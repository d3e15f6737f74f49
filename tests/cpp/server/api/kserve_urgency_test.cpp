#include "server/api/kserve_urgency.hpp"

#include <gtest/gtest.h>

namespace aios::server::api::kserve {
namespace {

using runtime::Urgency;
using Clock = Urgency::Clock;

const Clock::time_point kNow{std::chrono::hours(5)};

Urgency of(const std::string& body, std::optional<std::size_t> header = std::nullopt) {
  return urgencyOf({{}, header, body}, kNow);
}

TEST(KServeUrgency, IsTheUsualWhereARequestSaysNothing) {
  for (const char* body : {R"({"inputs": []})", R"({"parameters": {"priority": 0, "timeout": 0}})",
                           R"({"inputs": [{"parameters": {"priority": 1}}]})", "{", ""}) {
    EXPECT_EQ(of(body).priority, Urgency::kUsual) << body;
    EXPECT_EQ(of(body).deadline, Clock::time_point::max()) << body;
  }
}

TEST(KServeUrgency, IsToldByTheParametersOfARequest) {
  const Urgency urgency = of(
      R"({"id": "1", "inputs": [1, 2], "parameters": {"x": "y", "priority": 2, "timeout": 1500}})");
  EXPECT_EQ(urgency.priority, 2);
  EXPECT_EQ(urgency.deadline, kNow + std::chrono::microseconds(1500));
}

TEST(KServeUrgency, StandsInTheJsonAndNotInTheTensors) {
  const std::string json = R"({"parameters": {"priority": 3}})";
  EXPECT_EQ(of(json + "\"timeout\"\0\xff", json.size()).priority, 3);
  EXPECT_EQ(of(json, 1).priority, Urgency::kUsual);
}

TEST(KServeUrgency, IsWithinWhatAClockCanTell) {
  const Urgency urgency =
      of(R"({"parameters": {"priority": 18446744073709551615, "timeout": 18446744073709551615}})");
  EXPECT_EQ(urgency.priority, std::numeric_limits<int64_t>::max());
  EXPECT_GT(urgency.deadline, kNow + std::chrono::hours(24 * 365));
}

TEST(KServeUrgency, IsTheUsualWhereItIsNoNumber) {
  EXPECT_EQ(of(R"({"parameters": {"priority": "high"}})").priority, Urgency::kUsual);
  EXPECT_EQ(of(R"({"parameters": {"timeout": -5}})").deadline, Clock::time_point::max());
}

}  // namespace
}  // namespace aios::server::api::kserve
