#include "server/api/kserve.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "server/tiny_server.hpp"

namespace aios::server::api {
namespace {

using nlohmann::json;

std::string bytesOf(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

class KServeTest : public ::testing::Test {
 protected:
  KServeTest() {
    input = {{"name", "x"}, {"shape", {1, 2}}, {"datatype", "FP32"}, {"data", {1, 2}}};
    request = {{"inputs", json::array({input})}};
  }

  protocol::HttpAnswer post(const std::string& body, std::size_t header = 0) {
    return tiny.post("/v2/models/tiny/infer", body, header);
  }
  json infer(const json& asked) {
    const protocol::HttpAnswer answer = post(asked.dump());
    EXPECT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(answer.content_type, "application/json");
    EXPECT_EQ(answer.headers, "");
    return json::parse(answer.body);
  }
  void expectRefusal(const std::string& body, const std::string& expected, std::size_t header = 0) {
    const protocol::HttpAnswer answer = post(body, header);
    const std::string got = std::to_string(answer.status) + " " +
                            json::parse(answer.body).at("error").get<std::string>();
    EXPECT_NE(got.find(expected), std::string::npos) << got;
  }
  // The request with another value of a field of its input.
  std::string with(const char* field, const json& value) {
    json changed = request;
    changed["inputs"][0][field] = value;
    return changed.dump();
  }

  TinyServer tiny;
  json input;
  json request;
};

TEST_F(KServeTest, AnswersJsonWithJson) {
  request["id"] = "7";
  const json y = {{"name", "y"}, {"datatype", "FP32"}, {"shape", {1, 2}}, {"data", {2.0, 4.0}}};
  const json z = {{"name", "z"}, {"datatype", "FP32"}, {"shape", {1, 2}}, {"data", {4.0, 5.0}}};
  const json expected = {
      {"model_name", "tiny"}, {"model_version", "2"}, {"id", "7"}, {"outputs", {y, z}}};
  EXPECT_EQ(infer(request), expected);
  EXPECT_EQ(infer(json::parse(with("data", {{1, 2}})))["outputs"], (json{y, z}));
}

TEST_F(KServeTest, ReadsDataBeforeItsDatatype) {
  const std::string body =
      R"({"inputs": [{"data": [1, 2], "shape": [1, 2], "name": "x", "datatype": "FP32"}]})";
  EXPECT_EQ(infer(json::parse(body))["outputs"][0]["data"], (json{2.0, 4.0}));
  const protocol::HttpAnswer answer = post(body);
  EXPECT_EQ(json::parse(answer.body)["outputs"][1]["data"], (json{4.0, 5.0}));
}

TEST_F(KServeTest, AnswersTheOutputsThatAreAskedFor) {
  request["outputs"] = {{{"name", "z"}}};
  const json answer = infer(request);
  ASSERT_EQ(answer["outputs"].size(), 1U);
  EXPECT_EQ(answer["outputs"][0]["data"], (json{4.0, 5.0}));
}

TEST_F(KServeTest, ReadsAndWritesBinaryTensors) {
  input.erase("data");
  input["parameters"] = {{"binary_data_size", 8}};
  request = {{"inputs", json::array({input})}, {"parameters", {{"binary_data_output", true}}}};
  const std::string header = request.dump();
  const protocol::HttpAnswer answer = post(header + bytesOf({1, 2}), header.size());
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.content_type, "application/octet-stream");
  const std::size_t json_bytes = answer.body.size() - 16;
  EXPECT_EQ(answer.headers,
            "Inference-Header-Content-Length: " + std::to_string(json_bytes) + "\r\n");
  EXPECT_EQ(answer.body.substr(json_bytes), bytesOf({2, 4, 4, 5}));
  const json outputs = json::parse(answer.body.substr(0, json_bytes))["outputs"];
  EXPECT_EQ(outputs[0]["parameters"]["binary_data_size"], 8);
  EXPECT_FALSE(outputs[0].contains("data"));
}

TEST_F(KServeTest, WritesEachOutputAsItIsAskedFor) {
  request["outputs"] = {{{"name", "z"}, {"parameters", {{"binary_data", true}}}}, {{"name", "y"}}};
  const protocol::HttpAnswer answer = post(request.dump());
  const json outputs = json::parse(answer.body.substr(0, answer.body.size() - 8))["outputs"];
  EXPECT_EQ(outputs[0]["name"], "z");
  EXPECT_EQ(outputs[1]["data"], (json{2.0, 4.0}));
  EXPECT_EQ(answer.body.substr(answer.body.size() - 8), bytesOf({4, 5}));
}

TEST_F(KServeTest, ReadsARawBodyOfAModelWithOneInput) {
  protocol::HttpRequest head;
  head.method = "POST";
  head.target = "/v2/models/tiny/infer";
  const std::string body = bytesOf({1, 2, 3, 4});
  const auto found = tiny.table().find("tiny", std::nullopt, "");
  const protocol::HttpAnswer answer = Caller(0).answer(*found.model, {*routeOf(head), 0, body});
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.body.substr(answer.body.size() - 32), bytesOf({2, 4, 6, 8, 4, 5, 6, 7}));
}

TEST_F(KServeTest, RefusesAnEmptyBodyThatIsNotSaidToBeRaw) {
  expectRefusal("", "400 failed to parse the request JSON buffer: ");
}

TEST_F(KServeTest, RefusesWithTheWordsThatClientsKnow) {
  EXPECT_EQ(json::parse(tiny.post("/v2/models/nope/infer", "{}").body)["error"],
            "Request for unknown model: 'nope' is not found");
  EXPECT_EQ(json::parse(tiny.post("/v2/models/tiny/versions/9/infer", "{}").body)["error"],
            "Request for unknown model: 'tiny' version 9 is not found");
  expectRefusal("{", "400 failed to parse the request JSON buffer: ");
  expectRefusal("{}", "400 Unable to parse 'inputs'");
  expectRefusal(with("name", "w"), "400 unexpected inference input 'w' for model 'tiny'");
  expectRefusal(with("datatype", "INT32"),
                "400 inference input 'x' data-type is 'INT32', but model 'tiny' expects 'FP32'");
  expectRefusal(with("shape", {1, 3}),
                "400 unexpected shape for input 'x' for model 'tiny'. Expected [-1,2], got [1,3]");
  expectRefusal(with("shape", {1, -2}), "sizes of 0 or more");
  expectRefusal(with("data", {1}), "400 unexpected total byte size for input 'x'");
  expectRefusal(R"({"inputs": []})", "input 'x' is missing");
  request["inputs"].push_back(input);
  expectRefusal(request.dump(), "400 input 'x' already exists in request");
}

TEST_F(KServeTest, RefusesOutputsAndParametersThatItHasNot) {
  request["outputs"] = {{{"name", "w"}}};
  expectRefusal(request.dump(), "400 unexpected inference output 'w' for model 'tiny'");
  request["outputs"] = {{{"name", "y"}}, {{"name", "y"}}};
  expectRefusal(request.dump(), "400 output 'y' already requested");
  request["outputs"] = {{{"name", "y"}, {"parameters", {{"classification", 3}}}}};
  expectRefusal(request.dump(), "501 parameter 'classification'");
  json region = input;
  region.erase("data");
  region["parameters"] = {{"shared_memory_region", "r"}};
  expectRefusal(json{{"inputs", json::array({region})}}.dump(),
                "501 shared memory is for clients of this machine");
}

TEST_F(KServeTest, RefusesBinaryTensorsOfAnotherSize) {
  const auto body = [&](std::size_t bytes) {
    json changed = input;
    changed.erase("data");
    changed["parameters"] = {{"binary_data_size", bytes}};
    return json{{"inputs", json::array({changed})}}.dump();
  };
  expectRefusal(body(8) + "1234",
                "400 unexpected size for input 'x', expecting 4 additional bytes for model 'tiny'",
                body(8).size());
  expectRefusal(body(8) + "123456789", "400 unexpected additional input data for model 'tiny'",
                body(8).size());
  expectRefusal(body(12) + "123456789012", "400 unexpected total byte size", body(12).size());
  expectRefusal(body(7) + "1234567", "aren't whole elements", body(7).size());
  expectRefusal("{}", "400 Inference-Header-Content-Length is 3", 3);
}

}  // namespace
}  // namespace aios::server::api
