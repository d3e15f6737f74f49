#include "server/api/tensorflow_serving_examples.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "server/wire/json_reader.hpp"

namespace aios::server::api::tensorflow_serving {
namespace {

std::string floats(std::string_view name, const std::vector<float>& values) {
  std::string example;
  examples::appendFeature(name, Span<const float>(values), example);
  return example;
}
std::string integers(std::string_view name, const std::vector<int64_t>& values) {
  std::string example;
  examples::appendFeature(name, Span<const int64_t>(values), example);
  return example;
}
std::string texts(std::string_view name, const std::vector<std::string_view>& values) {
  std::string example;
  examples::appendFeature(name, Span<const std::string_view>(values), example);
  return example;
}

std::string refusal(const std::string& body) {
  try {
    readExamples(body);
  } catch (const Error& error) {
    return error.what();
  }
  return "taken";
}

TEST(ReadExamples, TellsKindsOfValuesByHowTheyAreWritten) {
  const ExampleRequest request = readExamples(R"({
    "signature_name": "s",
    "examples": [{"f": [1.5, 2e0]}, {"i": [1, -2]}, {"b": true}, {"t": "a\n"}, {"x": {"b64": "/wA="}}],
    "context": {"c": 3}, "other": [{}]})");
  EXPECT_EQ(request.signature, "s");
  const std::vector<std::string> expected = {floats("f", {1.5F, 2}), integers("i", {1, -2}),
                                             integers("b", {1}), texts("t", {"a\n"}),
                                             texts("x", {std::string_view("\xFF\0", 2)})};
  EXPECT_EQ(request.examples, expected);
  EXPECT_EQ(request.context, integers("c", {3}));
  EXPECT_EQ(request.list().examples.size(), 5U);
  EXPECT_EQ(request.list().context, request.context);
}

TEST(ReadExamples, TakesNumbersThatAreNotFinite) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const ExampleRequest request = readExamples(R"({"examples": [{"f": [Infinity, -Infinity]}]})");
  EXPECT_EQ(request.examples.front(), floats("f", {kInfinity, -kInfinity}));
}

TEST(ReadExamples, TakesAFeatureWithoutValuesAsNone) {
  EXPECT_EQ(readExamples(R"({"examples": [{"f": []}, {}]})").examples,
            (std::vector<std::string>{"", ""}));
}

TEST(ReadExamples, RefusesOtherJsonInTensorFlowServingsWords) {
  const std::vector<std::pair<const char*, const char*>> cases = {
      {R"({})", "key 'examples' is expected and was not found"},
      {R"({"examples": {}})", "Expecting 'examples' value to be an list/array"},
      {R"({"examples": []})", "'examples' value is an empty array"},
      {R"({"examples": [1]})", "Example must be JSON object"},
      {R"({"examples": [{"f": null}]})", "Feature: f has element with unexpected JSON type: Null"},
      {R"({"examples": [{"f": [[1]]}]})",
       "Feature: f has element with unexpected JSON type: Array"},
      {R"({"examples": [{"f": {"a": 1}}]})",
       "Feature: f has element with unexpected JSON type: Object"},
      {R"({"examples": [{"f": {"b64": "***"}}]})", "Unable to base64 decode"},
      {R"({"examples": [{"f": [1.5, 1]}]})",
       "Unexpected element type in feature: f expecting type: float"},
      {R"({"examples": [{"f": [1, "a"]}]})",
       "Unexpected element type in feature: f expecting type: int64"},
      {R"({"examples": [{}], "examples": [{}]})", "key 'examples' came twice"},
  };
  for (const auto& [body, words] : cases) {
    EXPECT_NE(refusal(body).find(words), std::string::npos) << refusal(body);
  }
  EXPECT_THROW(readExamples(R"({"examples": [{"f": 1}])"), wire::JsonError);
  EXPECT_THROW(readExamples(R"({"examples": [{"f": 9223372036854775808}]})"), wire::JsonError);
}

TEST(AppendResults, WritesLabelsWithScoresAndValues) {
  const std::vector<float> scores = {0.5F, std::nanf("")};
  const std::vector<TensorView> outputs = {TensorView::of(scores.data(), {1, 2})};
  const Signature signature{"s", {}, {{"y", DType::kFloat32, {1, 2}}}};
  const std::vector<std::string> labels = {"a \"cat\"", "dog"};
  std::string json;
  appendResults(examples::Classification(signature, outputs, 1, labels), json);
  EXPECT_EQ(json, "{\n    \"results\": [[[\"a \\\"cat\\\"\", 0.5], [\"dog\", NaN]]\n    ]\n}");
  const std::vector<TensorView> column = {TensorView::of(scores.data(), {2, 1})};
  json.clear();
  appendResults(examples::Regression(signature, column, 2), json);
  EXPECT_EQ(json, "{\n    \"results\": [0.5, NaN]\n}");
}

}  // namespace
}  // namespace aios::server::api::tensorflow_serving
