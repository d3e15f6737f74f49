// The C API over the same cell: what it answers, and what it refuses by its code.
#include <gtest/gtest.h>

#include <array>
#include <string>

#include "aios/aios.h"
#include "tiny_stream.hpp"

namespace aios {
namespace {

using Floats = std::array<float, 8>;

aios_tensor tensorOf(void* data, int64_t rows) {
  aios_tensor tensor = {};
  tensor.struct_size = sizeof tensor;
  tensor.dtype = AIOS_FLOAT32;
  tensor.rank = 2;
  tensor.shape[0] = rows;
  tensor.shape[1] = 2;
  tensor.data = data;
  return tensor;
}

class CallInC : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(aios_cell_create(nullptr, &c_cell_, nullptr), 0);
    ASSERT_EQ(aios_cell_load(c_cell_, bundle_.path().c_str(), nullptr), 0);
  }
  void TearDown() override { aios_cell_destroy(c_cell_); }

  // The message where the call is refused as an invalid argument.
  std::string refusal(const aios_tensor* x, const aios_tensor* outputs, std::size_t count = 2) {
    aios_error error = {};
    error.struct_size = sizeof error;
    EXPECT_EQ(aios_cell_infer(c_cell_, x, 1, outputs, count, &error), AIOS_INVALID_ARGUMENT);
    aios_call* call = nullptr;
    EXPECT_EQ(aios_cell_bind(c_cell_, x, 1, outputs, count, &call, nullptr), AIOS_INVALID_ARGUMENT);
    EXPECT_EQ(call, nullptr);
    return error.message;
  }

  static constexpr int32_t AIOS_INVALID_ARGUMENT = 3;
  const TinyBundle bundle_;
  aios_cell* c_cell_ = nullptr;
  Floats x_{1, 2, 3, 4}, y_{}, z_{};
};

TEST_F(CallInC, IsRefusedForNullPointersAndSharedOutputs) {
  const aios_tensor x = tensorOf(x_.data(), 2);
  const aios_tensor y = tensorOf(y_.data(), 2);
  aios_tensor outputs[] = {y, tensorOf(z_.data(), 2)};
  ASSERT_EQ(aios_cell_infer(c_cell_, &x, 1, outputs, 2, nullptr), 0);
  EXPECT_EQ(z_[3], 7);
  const aios_tensor nothing = tensorOf(nullptr, 2);
  EXPECT_NE(refusal(&nothing, outputs).find("at a null pointer"), std::string::npos);
  EXPECT_NE(refusal(nullptr, outputs).find("got NULL"), std::string::npos);
  EXPECT_NE(refusal(&x, nullptr).find("got NULL"), std::string::npos);
  outputs[1] = y;
  EXPECT_NE(refusal(&x, outputs).find("that output 'y' uses too"), std::string::npos);
  outputs[1] = nothing;
  EXPECT_NE(refusal(&x, outputs).find("output 'z'"), std::string::npos);
}

TEST_F(CallInC, IsRefusedForWhatIsNoElementType) {
  for (const int32_t dtype : {0, -1, 13, 256 + AIOS_FLOAT32}) {
    aios_tensor x = tensorOf(x_.data(), 2);
    x.dtype = dtype;
    const aios_tensor outputs[] = {tensorOf(y_.data(), 2), tensorOf(z_.data(), 2)};
    EXPECT_NE(refusal(&x, outputs).find("dtype isn't an aios_dtype"), std::string::npos) << dtype;
  }
}

TEST_F(CallInC, TakesEveryElementTypeOfTheHeader) {
  for (const int32_t dtype : {AIOS_BOOL, AIOS_INT8, AIOS_FLOAT16, AIOS_FLOAT64, AIOS_BFLOAT16}) {
    aios_tensor x = tensorOf(x_.data(), 1);
    x.dtype = dtype;
    const aios_tensor outputs[] = {tensorOf(y_.data(), 1), tensorOf(z_.data(), 1)};
    const std::string message = refusal(&x, outputs);
    EXPECT_NE(message.find("expected float32[-1,2], got "), std::string::npos) << message;
  }
}

TEST_F(CallInC, AnswersWithBoundTensors) {
  const aios_tensor x = tensorOf(x_.data(), 2);
  const aios_tensor outputs[] = {tensorOf(y_.data(), 2), tensorOf(z_.data(), 2)};
  aios_call* call = nullptr;
  ASSERT_EQ(aios_cell_bind(c_cell_, &x, 1, outputs, 2, &call, nullptr), 0);
  x_ = {10, 20, 30, 40};
  ASSERT_EQ(aios_call_run(call, nullptr), 0);
  EXPECT_EQ(y_, (Floats{20, 40, 60, 80}));
  aios_call_destroy(call);
}

TEST_F(CallInC, TellsOfTheModel) {
  std::size_t inputs = 0;
  std::size_t outputs = 0;
  ASSERT_EQ(aios_cell_tensor_counts(c_cell_, &inputs, &outputs, nullptr), 0);
  EXPECT_EQ(inputs, 1U);
  EXPECT_EQ(outputs, 2U);
  aios_tensor_spec spec = {};
  spec.struct_size = sizeof spec;
  ASSERT_EQ(aios_cell_tensor(c_cell_, 1, 1, &spec, nullptr), 0);
  EXPECT_STREQ(spec.name, "z");
  EXPECT_EQ(spec.dtype, AIOS_FLOAT32);
  EXPECT_EQ(spec.shape[0], -1);
  char name[9];
  ASSERT_EQ(aios_cell_engine(c_cell_, name, sizeof name, nullptr), 0);
  EXPECT_STREQ(name, "compiled");
  ASSERT_EQ(aios_cell_engine(c_cell_, name, 5, nullptr), 0);
  EXPECT_STREQ(name, "comp");
}

TEST_F(CallInC, IsRefusedWithoutACell) {
  EXPECT_EQ(aios_cell_infer(nullptr, nullptr, 0, nullptr, 0, nullptr), AIOS_INVALID_ARGUMENT);
  EXPECT_EQ(aios_call_run(nullptr, nullptr), AIOS_INVALID_ARGUMENT);
  EXPECT_EQ(aios_cell_create(nullptr, nullptr, nullptr), AIOS_INVALID_ARGUMENT);
  EXPECT_EQ(aios_cell_load(c_cell_, nullptr, nullptr), AIOS_INVALID_ARGUMENT);
}

TEST(StreamInC, KeepsItsStateFromFrameToFrame) {
  const TinyStream bundle;
  aios_cell* cell = nullptr;
  ASSERT_EQ(aios_cell_create(nullptr, &cell, nullptr), 0);
  ASSERT_EQ(aios_cell_load(cell, bundle.path().c_str(), nullptr), 0);
  aios_stream* stream = nullptr;
  ASSERT_EQ(aios_cell_stream(cell, 2, &stream, nullptr), 0);
  aios_cell_destroy(cell);
  Floats frame{1, 2, 3, 4}, answer{};
  const aios_tensor x = tensorOf(frame.data(), 2);
  const aios_tensor y = tensorOf(answer.data(), 2);
  ASSERT_EQ(aios_stream_step(stream, &x, 1, &y, 1, nullptr), 0);
  ASSERT_EQ(aios_stream_step(stream, &x, 1, &y, 1, nullptr), 0);
  EXPECT_EQ(answer[3], 8);
  ASSERT_EQ(aios_stream_reset(stream, nullptr), 0);
  ASSERT_EQ(aios_stream_step(stream, &x, 1, &y, 1, nullptr), 0);
  EXPECT_EQ(answer[3], 4);
  const aios_tensor one = tensorOf(frame.data(), 1);
  EXPECT_EQ(aios_stream_step(stream, &one, 1, &y, 1, nullptr), 3);
  aios_stream_free(stream);
  aios_stream_free(nullptr);
}

TEST(StreamInC, IsRefusedWhereThereIsNone) {
  const TinyBundle bundle;
  aios_cell* cell = nullptr;
  ASSERT_EQ(aios_cell_create(nullptr, &cell, nullptr), 0);
  ASSERT_EQ(aios_cell_load(cell, bundle.path().c_str(), nullptr), 0);
  aios_stream* stream = nullptr;
  EXPECT_EQ(aios_cell_stream(cell, 1, &stream, nullptr), 12);
  EXPECT_EQ(stream, nullptr);
  EXPECT_EQ(aios_cell_stream(nullptr, 1, &stream, nullptr), 3);
  EXPECT_EQ(aios_stream_reset(nullptr, nullptr), 3);
  aios_cell_destroy(cell);
}

}  // namespace
}  // namespace aios
