#include "server/api/kserve_grpc.hpp"

#include <gtest/gtest.h>

#include "expect_error.hpp"
#include "server/message.hpp"
#include "server/tiny_server.hpp"

namespace aios::server::api::kserve_grpc {
namespace {

using namespace std::string_literals;

class KServeGrpc : public ::testing::Test {
 protected:
  // An input x of one row.
  static Message input() { return Message().text(1, "x").text(2, "FP32").text(3, "\x01\x02"s); }
  static Message contents(const std::vector<float>& values) { return Message().floats(6, values); }

  std::string answer(const std::string& message) {
    std::string out = "kept";
    infer(*tiny.table().find("tiny", 2, "").model, message, workspace, out);
    EXPECT_EQ(out.substr(0, 4), "kept");
    return out.substr(4);
  }
  void expectRefusal(const Message& request, const char* words) {
    EXPECT_AIOS_ERROR(answer(request.bytes()), kInvalidArgument, words);
  }

  const std::string one_two = Message::bytesOf<float>({1, 2});
  TinyServer tiny;
  Workspace workspace;
};

TEST_F(KServeGrpc, AnswersAsProtobufsOwnPackageWritesIt) {
  const std::string request =
      "\x0a\x04tiny\x12\x01\x32\x1a\x01\x37\x22\x0e\x0a\x08priority\x12\x02\x10\x03"
      "\x2a\x0d\x0a\x01x\x12\x04\x46P32\x1a\x02\x01\x02\x32\x03\x0a\x01z"
      "\x3a\x08\x00\x00\x80\x3f\x00\x00\x00\x40"s;
  EXPECT_EQ(answer(request),
            "\x0a\x04tiny\x12\x01\x32\x1a\x01\x37\x2a\x0d\x0a\x01z\x12\x04\x46P32\x1a\x02\x01\x02"
            "\x32\x08\x00\x00\x80\x40\x00\x00\xa0\x40"s);
}

TEST_F(KServeGrpc, AnswersAllOutputsWhereNoneIsAskedFor) {
  const std::string got = answer(Message().add(5, input()).text(7, one_two).bytes());
  EXPECT_EQ(fieldOf(got, {5, 1}), "yz");
  EXPECT_EQ(fieldOf(got, 6), Message::bytesOf<float>({2, 4, 4, 5}));
  EXPECT_EQ(fieldOf(got, 3), "");
}

TEST_F(KServeGrpc, ReadsContentsPackedOrNotAndInParts) {
  const Message packed = input().add(5, contents({1})).add(5, contents({2}));
  EXPECT_EQ(fieldOf(answer(Message().add(5, packed).bytes()), 6),
            Message::bytesOf<float>({2, 4, 4, 5}));
  const Message single = input().text(5, "\x35\x00\x00\x80\x3f\x35\x00\x00\x00\x40"s);
  EXPECT_EQ(fieldOf(answer(Message().add(5, single).bytes()), 6),
            Message::bytesOf<float>({2, 4, 4, 5}));
}

TEST_F(KServeGrpc, RefusesDataThatDoesNotFit) {
  expectRefusal(Message().add(5, input()).text(7, one_two + "1"), "aren't whole elements");
  expectRefusal(Message().add(5, input()).text(7, "1234"), "unexpected total byte size");
  expectRefusal(Message().add(5, input().add(5, contents({1}))), "unexpected total byte size");
  expectRefusal(Message().add(5, input()), "unexpected total byte size");
  expectRefusal(Message().add(5, input()).text(7, one_two).text(7, one_two),
                "unexpected additional input data for model 'tiny'");
  expectRefusal(Message().add(5, input().add(5, contents({1, 2}))).text(7, one_two),
                "contents field must not be specified when using raw_input_contents for 'x'");
  expectRefusal(Message().add(5, input()).add(5, input()).text(7, one_two).text(7, one_two),
                "input 'x' already exists in request");
  expectRefusal(Message(), "input 'x' is missing");
}

TEST_F(KServeGrpc, RefusesOutputsAndParametersThatItHasNot) {
  const Message request = Message().add(5, input()).text(7, one_two);
  expectRefusal(Message(request).add(6, Message().text(1, "w")),
                "unexpected inference output 'w' for model 'tiny'");
  const Message z = Message().text(1, "z");
  expectRefusal(Message(request).add(6, z).add(6, z), "output 'z' already requested");
  const Message entry = Message().text(1, "classification").add(2, Message().number(2, 3));
  EXPECT_AIOS_ERROR(answer(Message(request).add(6, Message(z).add(2, entry)).bytes()), kUnsupported,
                    "parameter 'classification' isn't supported");
  expectRefusal(Message(request).text(3, "\xff"), "id to be UTF-8");
}

TEST_F(KServeGrpc, RefusesShapesThatNoTensorHas) {
  expectRefusal(Message().add(5, input().number(3, ~uint64_t{0})), "each 0 or more");
  expectRefusal(Message().add(5, input().text(3, std::string(7, '\x01'))), "at most 8 sizes");
}

TEST_F(KServeGrpc, AnswersInTwoStepsAsInOne) {
  const ServedModel& model = *tiny.table().find("tiny", 2, "").model;
  const std::string request = Message()
                                  .text(3, "7")
                                  .add(5, input())
                                  .add(6, Message().text(1, "z"))
                                  .text(7, one_two)
                                  .bytes();
  const MessageDraft draft = read(model, request, workspace);
  std::string out;
  draft.write(workspace.run(*draft.endpoint), out);
  EXPECT_EQ(out, answer(request));
}

TEST_F(KServeGrpc, PutsAnswersAndErrorsIntoStreams) {
  std::string out;
  appendStreamResponse("no", "", out);
  EXPECT_EQ(out, "\x0a\x02no"s);
  out.clear();
  appendStreamResponse("", "\x1a\x01\x37"s, out);
  EXPECT_EQ(fieldOf(out, {2, 3}), "7");
  EXPECT_EQ(fieldOf(out, {2, 4, 1}), "triton_final_response");
  EXPECT_EQ(fieldOf(out, {2, 4, 2, 1}), "1");
}

}  // namespace
}  // namespace aios::server::api::kserve_grpc
