#include "server/api/tensorflow_serving.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "server/tiny_server.hpp"

namespace aios::server::api {
namespace {

using nlohmann::json;

class TensorFlowServingTest : public ::testing::Test {
 protected:
  json predict(const std::string& body, const std::string& which = "") {
    const protocol::HttpAnswer answer = tiny.post("/v1/models/tiny" + which + ":predict", body);
    EXPECT_EQ(answer.status, 200) << answer.body;
    return json::parse(answer.body);
  }
  // The status and the message of a refusal.
  std::string refusal(const std::string& body, const std::string& target = "tiny") {
    const protocol::HttpAnswer answer = tiny.post("/v1/models/" + target + ":predict", body);
    return std::to_string(answer.status) + " " +
           json::parse(answer.body).at("error").get<std::string>();
  }
  void expectRefusal(const std::string& body, const std::string& words) {
    EXPECT_NE(refusal(body).find(words), std::string::npos) << refusal(body);
  }

  TinyServer tiny;
};

TEST_F(TensorFlowServingTest, AnswersRowsByRows) {
  const json expected = {
      {"predictions",
       {{{"y", {2.0, 4.0}}, {"z", {4.0, 5.0}}}, {{"y", {6.0, 8.0}}, {"z", {6.0, 7.0}}}}}};
  EXPECT_EQ(predict(R"({"instances": [[1, 2], [3, 4]]})"), expected);
  EXPECT_EQ(predict(R"({"instances": [{"x": [1, 2]}, {"x": [3.0, 4e0]}]})"), expected);
  EXPECT_EQ(predict(R"({"instances": [[1, 2], [3, 4]], "signature_name": "serve"})"), expected);
  EXPECT_EQ(predict(R"({"signature_name": "serve", "instances": [[1, 2], [3, 4]]})"), expected);
}

TEST_F(TensorFlowServingTest, AnswersColumnsByColumns) {
  const json expected = {{"outputs", {{"y", {{2.0, 4.0}}}, {"z", {{4.0, 5.0}}}}}};
  EXPECT_EQ(predict(R"({"inputs": [[1, 2]]})"), expected);
  EXPECT_EQ(predict(R"({"inputs": {"x": [[1, 2]]}})"), expected);
}

TEST_F(TensorFlowServingTest, FindsVersionsAndLabels) {
  predict(R"({"inputs": [[1, 2]]})", "/versions/1");
  predict(R"({"inputs": [[1, 2]]})", "/labels/stable");
  EXPECT_EQ(refusal("{}", "nope"), "404 Servable not found for request: Latest(nope)");
  EXPECT_EQ(refusal("{}", "tiny/versions/9"),
            "404 Servable not found for request: Specific(tiny, 9)");
  EXPECT_EQ(refusal("{}", "tiny/labels/x"), "400 Unrecognized servable version label: x");
}

TEST_F(TensorFlowServingTest, WritesNumbersThatAreNotFinite) {
  const protocol::HttpAnswer answer =
      tiny.post("/v1/models/tiny:predict", R"({"instances": [[NaN, -Infinity]]})");
  EXPECT_EQ(
      answer.body,
      "{\n    \"predictions\": [{\"y\": [NaN, -Infinity], \"z\": [NaN, -Infinity]}\n    ]\n}");
}

TEST_F(TensorFlowServingTest, RefusesWithTheWordsThatClientsKnow) {
  EXPECT_EQ(refusal("{}"), "400 Missing 'inputs' or 'instances' key");
  EXPECT_EQ(refusal(R"({"signature_name": "x", "instances": [[1, 2]]})"),
            "400 Serving signature name: \"x\" not found in signature def");
  expectRefusal("[1]", "400 JSON Parse error: expected an object");
  expectRefusal(R"({"instances": [[1, 2]})", "400 JSON Parse error: ");
  expectRefusal(R"({"instances": [[1, 2]]} x)", "400 JSON Parse error: expected nothing more");
  expectRefusal(R"({"instances": [[1, 2]], "inputs": [[1, 2]]})", "either 'instances' or 'inputs'");
  expectRefusal(R"({"instances": []})", "no sample");
  expectRefusal(R"({"instances": 1})", "a list of instances");
  expectRefusal(R"({"instances": [{"x": [1, 2]}, {}]})",
                "Failed to process element: 1 of 'instances' list. Error: it does not have named "
                "input: x");
  expectRefusal(R"({"instances": [{"x": [1, 2], "x": [1, 2]}]})", "came twice");
  expectRefusal(R"({"instances": [{"w": [1, 2]}]})", "input 'w' isn't in the signature");
  expectRefusal(R"({"instances": [{"x": [1, 2]}, {"x": [1]}]})", "another shape");
  expectRefusal(R"({"instances": [[1, 2, 3]]})", "expected float32[-1,2], got float32[1,3]");
  expectRefusal(R"({"inputs": {}})", "Missing named input: x in 'inputs' object.");
  expectRefusal(R"({"instances": [["a", "b"]]})", "expected a number");
}

TEST_F(TensorFlowServingTest, CountsWhatItAnswered) {
  predict(R"({"instances": [[1, 2], [3, 4], [5, 6]]})");
  refusal("{}");
  const CallTotals totals =
      tiny.table().find("tiny", std::nullopt, "").model->totals(Protocol::kTensorFlowServing);
  EXPECT_EQ(totals.requests, (std::array<uint64_t, 3>{1, 1, 0}));
  EXPECT_EQ(totals.samples, 3U);
}

TEST_F(TensorFlowServingTest, RefusesToClassifyWithoutOneOutputOfScores) {
  const char* const body = R"({"examples": [{"x": [1, 2]}, {"x": [3.5, 4.5]}]})";
  for (const char* task : {":classify", ":regress"}) {
    const protocol::HttpAnswer answer = tiny.post("/v1/models/tiny" + std::string(task), body);
    EXPECT_EQ(answer.status, 400) << answer.body;
  }
  const protocol::HttpAnswer none = tiny.post("/v1/models/tiny:classify", "{}");
  EXPECT_EQ(none.status, 400);
  EXPECT_EQ(none.body, R"({"error": "key 'examples' is expected and was not found"})");
}

TEST_F(TensorFlowServingTest, KnowsTheDefaultSignatureByTensorFlowServingsName) {
  const json expected = {{"predictions", {{{"y", {2.0, 4.0}}, {"z", {4.0, 5.0}}}}}};
  EXPECT_EQ(predict(R"({"instances": [[1, 2]], "signature_name": "serving_default"})"), expected);
}

}  // namespace
}  // namespace aios::server::api
