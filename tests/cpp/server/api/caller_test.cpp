#include "server/api/caller.hpp"

#include <gtest/gtest.h>

#include "server/tiny_server.hpp"

namespace aios::server::api {
namespace {

constexpr const char* kPredict = "/v1/models/tiny:predict";
constexpr const char* kOne = R"({"instances": [[1, 2]]})";

std::string many(int count) {
  std::string rows;
  for (int i = 0; i < count; ++i) rows += i == 0 ? "[1, 2]" : ", [1, 2]";
  return R"({"instances": [)" + rows + "]}";
}

class CallerTest : public ::testing::Test {
 protected:
  protocol::HttpAnswer post(const std::string& body, const BodyEncodings& encodings) {
    return tiny.post(kPredict, body, 0, encodings);
  }

  TinyServer tiny;
};

TEST_F(CallerTest, ReadsACompressedBody) {
  for (const auto encoding : {wire::Encoding::kGzip, wire::Encoding::kDeflate}) {
    const auto answer =
        post(wire::compressed(encoding, kOne), {encoding, wire::Encoding::kIdentity, 1000});
    EXPECT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(answer.body, tiny.post(kPredict, kOne).body);
  }
}

TEST_F(CallerTest, CompressesALargeAnswerAsTheClientWants) {
  const std::string plain = tiny.post(kPredict, many(100)).body;
  const auto answer = post(many(100), {wire::Encoding::kIdentity, wire::Encoding::kGzip, 1000});
  EXPECT_EQ(answer.headers, "Content-Encoding: gzip\r\n");
  EXPECT_EQ(wire::decompressed(wire::Encoding::kGzip, answer.body, 1 << 20), plain);
}

TEST_F(CallerTest, RefusesABombAndWhatIsNotCompressed) {
  const BodyEncodings gzip{wire::Encoding::kGzip, wire::Encoding::kIdentity, 1000};
  EXPECT_EQ(post(wire::compressed(wire::Encoding::kGzip, many(1000)), gzip).status, 413);
  const auto damaged = post(kOne, gzip);
  EXPECT_EQ(damaged.status, 400);
  EXPECT_NE(damaged.body.find("expected bytes in gzip"), std::string::npos) << damaged.body;
}

TEST_F(CallerTest, LeavesCompressedBodiesToOtherThreads) {
  const auto found = tiny.table().find("tiny", std::nullopt, "");
  Route route;
  route.protocol = Protocol::kTensorFlowServing;
  Caller caller(0);
  tiny.post(kPredict, kOne);
  route.encodings.request = wire::Encoding::kGzip;
  EXPECT_FALSE(caller.answerWithin(1e6, *found.model, {route, std::nullopt, kOne}).has_value());
  route.encodings = {wire::Encoding::kIdentity, wire::Encoding::kGzip, 1000};
  const std::string large = many(100);
  EXPECT_FALSE(caller.answerWithin(1e9, *found.model, {route, std::nullopt, large}).has_value());
}

TEST_F(CallerTest, CountsACallWithItsSignature) {
  const auto model = tiny.table().find("tiny", 2, "").model;
  tiny.post(kPredict, kOne);
  EXPECT_EQ(model->answered(Protocol::kTensorFlowServing).answered(), 1U);
  EXPECT_EQ(model->placeOf(&model->model().endpoint().signature()), 0U);
  EXPECT_EQ(model->placeOf(nullptr), 0U);
  EXPECT_NE(model->lastMs(), 0U);
}

}  // namespace
}  // namespace aios::server::api
