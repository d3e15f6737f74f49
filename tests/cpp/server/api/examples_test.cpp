#include "server/api/examples.hpp"

#include <gtest/gtest.h>

#include "expect_error.hpp"
#include "server/wire/protobuf.hpp"

namespace aios::server::api::examples {
namespace {

using namespace std::string_literals;

template <typename T>
std::string feature(std::string_view name, const std::vector<T>& values) {
  std::string example;
  appendFeature(name, Span<const T>(values), example);
  return example;
}

TensorSpec spec(const std::string& name, DType dtype, const std::vector<int64_t>& shape) {
  return {name, dtype, shape};
}

class BindExamples : public ::testing::Test {
 protected:
  template <typename T>
  std::vector<T> bound(std::size_t index) const {
    const TensorView& view = workspace.inputs()[index];
    const T* const data = view.data<T>();
    EXPECT_NE(data, nullptr);
    return std::vector<T>(data, data + view.elements());
  }
  std::string shape(std::size_t index) const { return describe(workspace.inputs()[index]); }
  void bind(const std::vector<std::string>& examples, const std::string& context = "") {
    bindExamples({{examples.begin(), examples.end()}, context}, signature, workspace);
  }
  void expectRefusal(const std::vector<std::string>& examples, const char* words) {
    EXPECT_AIOS_ERROR(bind(examples), kInvalidArgument, words);
  }

  Workspace workspace;
  Signature signature{"s", {spec("x", DType::kFloat32, {-1, 2})}, {}};
};

TEST_F(BindExamples, GivesEachInputTheFeatureOfItsName) {
  signature.inputs.push_back(spec("n", DType::kInt64, {-1}));
  signature.inputs.push_back(spec("t", DType::kString, {-1, 1}));
  const std::string first = feature<float>("x", {1, 2}) + feature<int64_t>("n", {-7}) +
                            feature<std::string_view>("t", {"a\0b"}) + feature<float>("other", {9});
  const std::string second = feature<std::string_view>("t", {""}) + feature<int64_t>("n", {8}) +
                             feature<float>("x", {3, 4});
  bind({first, second});
  EXPECT_EQ(shape(0), "float32[2,2]");
  EXPECT_EQ(shape(1), "int64[2]");
  EXPECT_EQ(shape(2), "string[2,1]");
  EXPECT_EQ(bound<float>(0), (std::vector<float>{1, 2, 3, 4}));
  EXPECT_EQ(bound<int64_t>(1), (std::vector<int64_t>{-7, 8}));
  EXPECT_EQ(bound<StringRef>(2)[0].size, 1U);
  EXPECT_EQ(bound<StringRef>(2)[1].size, 0U);
}

TEST_F(BindExamples, TakesIntegersWhereTheyAreExact) {
  signature.inputs = {spec("x", DType::kFloat32, {-1}), spec("b", DType::kBool, {-1}),
                      spec("u", DType::kUInt8, {-1})};
  bind({feature<int64_t>("x", {-(1 << 24)}) + feature<int64_t>("b", {1}) +
        feature<int64_t>("u", {255})});
  EXPECT_EQ(bound<float>(0), std::vector<float>{-16777216});
  EXPECT_EQ(bound<bool>(1), std::vector<bool>{true});
  EXPECT_EQ(bound<uint8_t>(2), std::vector<uint8_t>{255});
  const std::string others = feature<int64_t>("b", {1}) + feature<int64_t>("u", {1});
  expectRefusal({feature<int64_t>("x", {(1 << 24) + 1}) + others},
                "example 0: feature 'x' is 16777217, which isn't a float32");
  expectRefusal({feature<float>("x", {1}) + others + feature<int64_t>("u", {256})},
                "feature 'u' is 256, which isn't a uint8");
  expectRefusal({feature<float>("x", {1}) + others + feature<int64_t>("b", {2})},
                "feature 'b' is 2, which isn't a bool");
}

TEST_F(BindExamples, TakesFloatsForDoubles) {
  signature.inputs = {spec("x", DType::kFloat64, {-1, -1})};
  bind({feature<float>("x", {0.5F, 2, 3}), feature<float>("x", {4, 5, 6})});
  EXPECT_EQ(shape(0), "float64[2,3]");
  EXPECT_EQ(bound<double>(0), (std::vector<double>{0.5, 2, 3, 4, 5, 6}));
}

TEST_F(BindExamples, TakesAFeatureFromTheContextWhereAnExampleHasNone) {
  bind({"", feature<float>("x", {3, 4})}, feature<float>("x", {1, 2}));
  EXPECT_EQ(bound<float>(0), (std::vector<float>{1, 2, 3, 4}));
}

TEST_F(BindExamples, TakesTheLaterOfTwoFeaturesOfOneName) {
  bind({feature<float>("x", {1, 2}) + feature<int64_t>("x", {3, 4})});
  EXPECT_EQ(bound<float>(0), (std::vector<float>{3, 4}));
}

TEST_F(BindExamples, ReadsListsThatAreNotPacked) {
  // Example { features { feature { key: "x" value { float_list { 1.5, 2 } } } } }
  const std::string list = "\x0d\x00\x00\xc0\x3f\x0d\x00\x00\x00\x40"s;
  bind({"\x0a\x13\x0a\x11\x0a\x01x\x12\x0c\x12\x0a"s + list});
  EXPECT_EQ(bound<float>(0), (std::vector<float>{1.5, 2}));
}

TEST_F(BindExamples, GivesWholeExamplesToAModelThatParsesThem) {
  signature.inputs = {spec("inputs", DType::kString, {-1})};
  const std::string example = feature<float>("x", {1});
  bind({example, ""}, "\x0a\x00"s);
  EXPECT_EQ(shape(0), "string[2]");
  const auto texts = bound<StringRef>(0);
  EXPECT_EQ(std::string(texts[0].data, texts[0].size), "\x0a\x00"s + example);
  EXPECT_EQ(std::string(texts[1].data, texts[1].size), "\x0a\x00"s);
}

TEST_F(BindExamples, RefusesFeaturesThatAreMissingOrDoNotFit) {
  expectRefusal({}, "Input is empty.");
  expectRefusal({feature<float>("y", {1})}, "feature 'x' is required but could not be found");
  expectRefusal({feature<float>("x", {1})},
                "feature 'x' has 1 values an example, its input is float32[-1,2]");
  expectRefusal({feature<float>("x", {1, 2}), feature<float>("x", {1})},
                "example 1: feature 'x' has 1 values, those before had 2");
  expectRefusal({feature<std::string_view>("x", {"1"})}, "feature 'x' has strings");
  expectRefusal({"\x0a"s}, "malformed message");
  signature.inputs = {spec("x", DType::kInt32, {-1, 2})};
  expectRefusal({feature<float>("x", {1, 2})}, "feature 'x' has floats, the input of this name is");
  signature.inputs = {spec("x", DType::kFloat32, {-1, -1, -1})};
  expectRefusal({feature<float>("x", {1, 2})}, "more than one size of an example may be any");
  signature.inputs = {spec("x", DType::kFloat32, {})};
  expectRefusal({feature<float>("x", {1})}, "has no dimension for examples");
}

TEST_F(BindExamples, RefusesALargeContextOfManyExamples) {
  const std::string context(1 << 20, '\0');
  EXPECT_AIOS_ERROR(bind(std::vector<std::string>(65), context), kOverloaded,
                    "a context of 1048576 bytes for each of 65 examples");
}

}  // namespace
}  // namespace aios::server::api::examples
