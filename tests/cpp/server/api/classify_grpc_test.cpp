#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "expect_error.hpp"
#include "server/api/examples.hpp"
#include "server/api/tensorflow_serving_grpc.hpp"
#include "server/message.hpp"
#include "tiny_bundle.hpp"

namespace aios::server::api::tensorflow_serving_grpc {
namespace {

// The tiny model with its output y as scores.
class ClassifyTest : public ::testing::Test {
 protected:
  ClassifyTest() {
    renameGolden();
    std::ifstream code(AIOS_SCORES_MODEL, std::ios::binary);
    bundle.write("c/model.so", {std::istreambuf_iterator<char>(code), {}});
    auto manifest = bundle.manifest();
    manifest["signatures"][0]["outputs"][0]["name"] = "scores";
    bundle.publish(manifest);
    CellOptions options;
    options.engine = "compiled";
    options.verify = Verify::kOff;
    loaded = runtime::LoadedModel::load(bundle.path().string(), {}, options);
    model =
        std::make_unique<ServedModel>("tiny", 2, loaded, 1, std::vector<std::string>{"cat", "dog"});
  }
  // The golden sample, of the output's new name.
  void renameGolden() const {
    std::string golden = bundle.read("golden.safetensors");
    const std::string before = "serve/outputs/y", after = "serve/outputs/scores";
    golden.replace(golden.find(before), before.size(), after);
    golden[0] = static_cast<char>(golden[0] + after.size() - before.size());
    bundle.write("golden.safetensors", golden);
  }
  static std::string example(const std::vector<float>& values) {
    std::string bytes;
    examples::appendFeature("x", Span<const float>(values), bytes);
    return bytes;
  }
  static Message spec(const char* signature = "") {
    return Message().text(1, "tiny").text(3, signature);
  }
  template <typename Method>
  std::string answer(const Method& method, const Message& request) {
    std::string out;
    method(*model, request.bytes(), workspace, out);
    return out;
  }

  TinyBundle bundle;
  std::shared_ptr<runtime::LoadedModel> loaded;
  std::unique_ptr<ServedModel> model;
  Workspace workspace;
};

std::string scoresOf(std::string_view classifications) {
  std::string scores;
  wire::ProtobufReader reader(classifications);
  while (reader.next()) {
    wire::ProtobufReader classes(reader.bytes());
    while (classes.next()) {
      wire::ProtobufReader fields(classes.bytes());
      while (fields.next()) {
        if (fields.tag() != wire::tagOf(2, wire::WireType::kFixed32)) continue;
        scores += std::to_string(static_cast<int>(fields.fixed<float>())) + " ";
      }
    }
  }
  return scores;
}

TEST_F(ClassifyTest, AnswersEachExamplesClasses) {
  const Message list = Message().text(1, example({1, 2})).text(1, example({3, 4}));
  const std::string got = answer(classify, Message().add(1, spec()).add(2, Message().add(1, list)));
  EXPECT_EQ(fieldOf(got, {1, 1, 1, 1}), "catdogcatdog");
  EXPECT_EQ(scoresOf(fieldOf(got, 1)), "2 4 6 8 ");
  EXPECT_EQ(fieldOf(got, {2, 3}), "serve");
}

TEST_F(ClassifyTest, TakesTheKindOfListThatCameLast) {
  const Message list = Message().text(1, example({9, 9}));
  const Message with_context = Message().text(1, "").text(2, example({1, 2}));
  const Message input = Message().add(1, list).add(2, with_context);
  EXPECT_EQ(scoresOf(fieldOf(answer(classify, Message().add(1, spec()).add(2, input)), 1)), "2 4 ");
}

TEST_F(ClassifyTest, RefusesToRegressWhatHasMoreThanOneValue) {
  const Message input = Message().add(1, Message().text(1, example({1, 2})));
  EXPECT_AIOS_ERROR(answer(regress, Message().add(1, spec()).add(2, input)), kInvalidArgument,
                    "No regression outputs found");
  EXPECT_AIOS_ERROR(answer(classify, Message().add(1, spec("w")).add(2, input)), kInvalidArgument,
                    "No signature was found with the name: w");
  EXPECT_AIOS_ERROR(answer(classify, Message().add(1, spec())), kInvalidArgument,
                    "Input is empty.");
}

TEST_F(ClassifyTest, AnswersSeveralTasksAtOnce) {
  const Message input = Message().add(1, Message().text(1, example({1, 2})));
  const Message task = Message().add(1, spec()).text(2, "tensorflow/serving/classify");
  const std::string got = answer(multiInference, Message().add(1, task).add(2, input));
  EXPECT_EQ(fieldOf(got, {1, 2, 1, 1, 1}), "catdog");
  EXPECT_EQ(fieldOf(got, {1, 1, 1}), "tiny");
  EXPECT_AIOS_ERROR(answer(multiInference, Message().add(1, task).add(1, task).add(2, input)),
                    kInvalidArgument, "Duplicate evaluation of signature: serve");
  const Message other = Message().add(1, spec()).text(2, "tensorflow/serving/predict");
  EXPECT_AIOS_ERROR(answer(multiInference, Message().add(1, other).add(2, input)), kUnsupported,
                    "Unsupported signature method_name: tensorflow/serving/predict");
}

}  // namespace
}  // namespace aios::server::api::tensorflow_serving_grpc
