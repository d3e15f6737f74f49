#include "server/api/kserve_urgency.hpp"

#include <gtest/gtest.h>

#include "server/message.hpp"

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

// An entry of a message's parameters.
Message parameter(const char* name, uint32_t choice, uint64_t value) {
  return Message().text(1, name).add(2, Message().number(choice, value));
}

TEST(KServeUrgency, IsToldByTheParametersOfAMessage) {
  const std::string message = Message()
                                  .text(1, "m")
                                  .add(4, parameter("timeout", 2, 1500))
                                  .add(4, parameter("priority", 5, 2))
                                  .add(4, parameter("other", 2, 9))
                                  .bytes();
  const Urgency urgency = urgencyOfMessage(message, kNow);
  EXPECT_EQ(urgency.priority, 2);
  EXPECT_EQ(urgency.deadline, kNow + std::chrono::microseconds(1500));
}

TEST(KServeUrgency, IsTheUsualWhereAMessageSaysNothing) {
  const std::string negative = Message().add(4, parameter("timeout", 2, ~uint64_t{0})).bytes();
  for (const std::string& message : {std::string("\x0a"), std::string(), negative}) {
    EXPECT_EQ(urgencyOfMessage(message, kNow).priority, Urgency::kUsual);
    EXPECT_EQ(urgencyOfMessage(message, kNow).deadline, Clock::time_point::max());
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
