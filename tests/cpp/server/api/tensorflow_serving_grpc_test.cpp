#include "server/api/tensorflow_serving_grpc.hpp"

#include <gtest/gtest.h>

#include "expect_error.hpp"
#include "server/message.hpp"
#include "server/tiny_server.hpp"

namespace aios::server::api::tensorflow_serving_grpc {
namespace {

using namespace std::string_literals;

class PredictTest : public ::testing::Test {
 protected:
  static Message spec(const char* signature = "") {
    return Message().text(1, "tiny").text(3, signature);
  }
  // An entry of the map of inputs, of one row.
  static Message entry(const char* name, const std::vector<float>& values = {1, 2}) {
    const Message size = Message().number(1, 1), width = Message().number(1, 2);
    const Message tensor =
        Message().number(1, 1).add(2, Message().add(2, size).add(2, width)).floats(5, values);
    return Message().text(1, name).add(2, tensor);
  }
  std::string answer(const Message& request) {
    std::string out;
    predict(*tiny.table().find("tiny", 2, "").model, request.bytes(), workspace, out);
    return out;
  }
  void expectRefusal(const Message& request, const char* words) {
    EXPECT_AIOS_ERROR(answer(request), kInvalidArgument, words);
  }

  TinyServer tiny;
  Workspace workspace;
};

TEST_F(PredictTest, AnswersAllOutputsInTheFieldsOfTheirDtype) {
  const std::string got = answer(Message().add(1, spec()).add(2, entry("x")));
  EXPECT_EQ(fieldOf(got, {1, 1}), "yz");
  EXPECT_EQ(fieldOf(got, {1, 2, 5}), Message::bytesOf<float>({2, 4, 4, 5}));
  EXPECT_EQ(fieldOf(got, {2, 1}), "tiny");
  EXPECT_EQ(fieldOf(got, {2, 2, 1}), "2");
  EXPECT_EQ(fieldOf(got, {2, 3}), "serve");
}

TEST_F(PredictTest, ReadsARequestThatProtobufsOwnPackageWrote) {
  const std::string request =
      "\x0a\x1b\x0a\x04tiny\x12\x02\x08\x02\x1a\x0fserving_default"
      "\x12\x1b\x0a\x01x\x12\x16\x08\x01\x12\x08\x12\x02\x08\x01\x12\x02\x08\x02"
      "\x22\x08\x00\x00\x80\x3f\x00\x00\x00\x40\x1a\x01y"s;
  std::string got;
  predict(*tiny.table().find("tiny", 2, "").model, request, workspace, got);
  EXPECT_EQ(fieldOf(got, {1, 1}), "y");
  EXPECT_EQ(fieldOf(got, {1, 2, 5}), Message::bytesOf<float>({2, 4}));
  EXPECT_EQ(fieldOf(got, {2, 3}), "serving_default");
}

TEST_F(PredictTest, TakesTheLaterOfTwoInputsOfOneName) {
  const Message request = Message().add(1, spec()).add(2, entry("x")).add(2, entry("x", {3, 4}));
  EXPECT_EQ(fieldOf(answer(Message(request).text(3, "y")), {1, 2, 5}),
            Message::bytesOf<float>({6, 8}));
}

TEST_F(PredictTest, AnswersInTwoStepsAsInOne) {
  const Message request = Message().add(1, spec("serving_default")).add(2, entry("x")).text(3, "z");
  const ServedModel& model = *tiny.table().find("tiny", 2, "").model;
  const MessageDraft draft = readPredict(model, request.bytes(), workspace);
  std::string out;
  draft.write(workspace.run(*draft.endpoint), out);
  EXPECT_EQ(out, answer(request));
}

TEST_F(PredictTest, RefusesInTensorFlowServingsWords) {
  EXPECT_AIOS_ERROR(answer(Message().add(1, spec("w")).add(2, entry("x"))), kFailedPrecondition,
                    "Serving signature key \"w\" not found.");
  expectRefusal(Message().add(1, spec()),
                "input size does not match signature: 0!=1 len({}) != len({x}). Sent extra: {}. "
                "Missing but required: {x}.");
  expectRefusal(Message().add(1, spec()).add(2, entry("x")).add(2, entry("w")),
                "2!=1 len({x,w}) != len({x}). Sent extra: {w}. Missing but required: {}.");
  const Message request = Message().add(1, spec()).add(2, entry("x"));
  expectRefusal(Message(request).text(3, "w"),
                "output tensor alias not found in signature: w Outputs expected to be in the set "
                "{y,z}.");
  expectRefusal(Message(request).text(3, "y").text(3, "y"), "duplicate output tensor alias: y");
}

}  // namespace
}  // namespace aios::server::api::tensorflow_serving_grpc
