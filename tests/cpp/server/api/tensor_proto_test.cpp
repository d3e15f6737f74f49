#include "server/api/tensor_proto.hpp"

#include <gtest/gtest.h>

#include "expect_error.hpp"
#include "server/message.hpp"

namespace aios::server::api {
namespace {

using namespace std::string_literals;

Message shaped(DType dtype, const std::vector<uint64_t>& sizes) {
  Message shape;
  for (const uint64_t size : sizes) shape.add(2, Message().number(1, size));
  return Message().number(1, static_cast<uint64_t>(dataTypeOf(dtype))).add(2, shape);
}

class TensorProto : public ::testing::Test {
 protected:
  template <typename T>
  std::vector<T> bound(const Message& message) {
    bind(message.bytes());
    const TensorView& view = workspace.inputs()[0];
    const T* const data = static_cast<const T*>(view.bytesData());
    return std::vector<T>(data, data + view.elements());
  }
  void bind(const std::string& message, bool keep = false) {
    workspace.start(signature);
    bindTensorProto(message, keep, signature, 0, workspace);
  }
  void expectRefusal(const Message& message, const char* words) {
    EXPECT_AIOS_ERROR(bind(message.bytes()), kInvalidArgument, words);
  }

  Workspace workspace;
  Signature signature{"s", {{"x", DType::kFloat32, {-1, 2}}}, {}};
};

TEST_F(TensorProto, ReadsContentOrValues) {
  const std::vector<float> expected = {1, 2};
  EXPECT_EQ(bound<float>(shaped(DType::kFloat32, {1, 2}).text(4, Message::bytesOf(expected))),
            expected);
  EXPECT_EQ(bound<float>(shaped(DType::kFloat32, {1, 2}).floats(5, expected)), expected);
}

TEST_F(TensorProto, CopiesWhatItIsToKeep) {
  std::string message = shaped(DType::kFloat32, {1, 2}).text(4, std::string(8, '\x01')).bytes();
  bind(message, true);
  message.assign(message.size(), '\0');
  EXPECT_NE(static_cast<const float*>(workspace.inputs()[0].bytesData())[1], 0);
}

TEST_F(TensorProto, TakesTheLastValueForAllThatAreMissing) {
  EXPECT_EQ(bound<float>(shaped(DType::kFloat32, {2, 2}).floats(5, {7})),
            (std::vector<float>{7, 7, 7, 7}));
  EXPECT_EQ(bound<float>(shaped(DType::kFloat32, {2, 2}).floats(5, {1, 2})),
            (std::vector<float>{1, 2, 2, 2}));
  EXPECT_EQ(bound<float>(shaped(DType::kFloat32, {1, 2})), (std::vector<float>{0, 0}));
  EXPECT_AIOS_ERROR(bind(shaped(DType::kFloat32, {1 << 24, 2}).floats(5, {7}).bytes()), kOverloaded,
                    "one value stands for 134217724 bytes: expected at most 64 MiB");
}

TEST_F(TensorProto, ReadsStringsAsValuesOrAsContent) {
  signature.inputs = {{"x", DType::kString, {-1}}};
  const std::string content = "\x01\x03\x00"s + "a" + "bcd";
  for (const Message& message :
       {shaped(DType::kString, {3}).text(8, "a").text(8, "bcd").text(8, ""),
        shaped(DType::kString, {3}).text(4, content)}) {
    const std::vector<StringRef> texts = bound<StringRef>(message);
    ASSERT_EQ(texts.size(), 3U);
    EXPECT_EQ(std::string(texts[1].data, texts[1].size), "bcd");
    EXPECT_EQ(texts[2].size, 0U);
  }
  expectRefusal(shaped(DType::kString, {2}).text(4, "\x01\x03"s + "abc"), "cut short");
  expectRefusal(shaped(DType::kString, {200}).text(4, content), "cut short");
  expectRefusal(shaped(DType::kString, {1}).text(4, "\x01"s + "abc"), "has 2 bytes too many");
}

TEST_F(TensorProto, ReadsHalves) {
  signature.inputs = {{"x", DType::kFloat16, {-1}}};
  EXPECT_EQ(bound<uint16_t>(shaped(DType::kFloat16, {2}).text(13, "\x80\x78\x01"s)),
            (std::vector<uint16_t>{0x3C00, 1}));
}

TEST_F(TensorProto, RefusesWhatDoesNotFit) {
  expectRefusal(shaped(DType::kFloat64, {1, 2}),
                "input 'x': expected float32[-1,2], which is the DataType 1, got a tensor of the "
                "DataType 2");
  expectRefusal(shaped(DType::kFloat32, {1, 3}), "expected float32[-1,2], got float32[1,3]");
  expectRefusal(shaped(DType::kFloat32, {}), "expected float32[-1,2], got float32[]");
  expectRefusal(shaped(DType::kFloat32, {1, 2}).floats(5, {1, 2, 3}),
                "expected at most 2 values for float32[1,2], got 3");
  expectRefusal(shaped(DType::kFloat32, {1, 2}).text(4, "1234"),
                "expected 8 bytes of tensor_content for float32[1,2], got 4 bytes");
  expectRefusal(shaped(DType::kFloat32, {~uint64_t{0}, 2}), "each of size 0 or more");
  expectRefusal(Message().number(1, 1).add(2, Message().number(3, 1)), "one of unknown rank");
}

TEST_F(TensorProto, IsWrittenAsProtobufsOwnPackageWritesIt) {
  const std::vector<int8_t> values = {-1, 5};
  std::string out;
  appendTensorProto(2, TensorView(values.data(), DType::kInt8, {1, 2}), out);
  EXPECT_EQ(fieldOf(out, 2),
            "\x08\x06\x12\x08\x12\x02\x08\x01\x12\x02\x08\x02"
            "\x3a\x0b\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x05"s);
}

}  // namespace
}  // namespace aios::server::api
