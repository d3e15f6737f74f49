// Calls that can't be answered: each is refused by its code, in C++ and in C.
#include <array>
#include <utility>

#include "aios/aios.h"
#include "aios/performance_cell.hpp"
#include "expect_error.hpp"
#include "tiny_bundle.hpp"

namespace aios {
namespace {

using Floats = std::array<float, 8>;

class Call : public testing::Test {
 protected:
  void SetUp() override { cell_.loadModel(bundle_.path().string()); }

  const TinyBundle bundle_;
  TensorFlowPerformanceCell cell_;
  Floats x_{1, 2, 3, 4}, y_{}, z_{};
  std::array<TensorView, 1> inputs_ = {TensorView::of(x_.data(), {2, 2})};
  std::array<TensorView, 2> outputs_ = {TensorView::of(y_.data(), {2, 2}),
                                        TensorView::of(z_.data(), {2, 2})};
};

TEST_F(Call, AnswersIntoMemoryOfItsOwn) {
  cell_.inference(inputs_, outputs_);
  EXPECT_EQ(y_, (Floats{2, 4, 6, 8}));
  EXPECT_EQ(z_, (Floats{4, 5, 6, 7}));
}

TEST_F(Call, IsRefusedWhereOutputsShareMemory) {
  const std::string part = "output 'z': expected memory of its own, got memory that output 'y'";
  outputs_[1] = outputs_[0];
  EXPECT_AIOS_ERROR(cell_.inference(inputs_, outputs_), kInvalidArgument, part);
  EXPECT_AIOS_ERROR(cell_.bind(inputs_, outputs_), kInvalidArgument, part);
  outputs_[1] = TensorView::of(y_.data() + 3, {2, 2});
  EXPECT_AIOS_ERROR(cell_.inference(inputs_, outputs_), kInvalidArgument, part);
  outputs_[1] = TensorView::of(y_.data() + 4, {2, 2});
  cell_.inference(inputs_, outputs_);
  EXPECT_EQ(y_, (Floats{2, 4, 6, 8, 4, 5, 6, 7}));
}

TEST_F(Call, IsRefusedWithoutMemory) {
  float* const nothing = nullptr;
  const std::array<TensorView, 1> no_input = {TensorView::of(nothing, {2, 2})};
  EXPECT_AIOS_ERROR(cell_.inference(no_input, outputs_), kInvalidArgument,
                    "input 'x': expected float32[-1,2], got float32[2,2] at a null pointer");
  outputs_[0] = TensorView::of(nothing, {2, 2});
  EXPECT_AIOS_ERROR(cell_.inference(inputs_, outputs_), kInvalidArgument,
                    "output 'y': expected float32[-1,2], got float32[2,2] at a null pointer");
  EXPECT_AIOS_ERROR(cell_.bind(inputs_, outputs_), kInvalidArgument, "null pointer");
  EXPECT_AIOS_ERROR(cell_.inference(Span<const TensorView>(nullptr, 1)), kInvalidArgument,
                    "expected 1 inputs, got 0");
}

TEST_F(Call, OfAnEmptyBatchNeedsNoMemory) {
  float* const nothing = nullptr;
  const std::array<TensorView, 1> input = {TensorView::of(nothing, {0, 2})};
  std::array<TensorView, 2> outputs = {TensorView::of(nothing, {0, 2}),
                                       TensorView::of(nothing, {0, 2})};
  cell_.inference(input, outputs);
  EXPECT_EQ(cell_.inference(input).at(1).elements(), 0U);
}

TEST_F(Call, OfACellThatWasMovedFromIsRefused) {
  TensorFlowPerformanceCell taken = std::move(cell_);
  const auto refused = [](auto call) {
    EXPECT_AIOS_ERROR(call(), kInvalidArgument, "the cell was moved from");
  };
  refused([&] { cell_.inference(inputs_, outputs_); });
  refused([&] { cell_.loadModel("x"); });
  refused([&] { cell_.metrics(); });
  refused([&] { cell_.close(); });
  taken.inference(inputs_, outputs_);
  EXPECT_EQ(y_, (Floats{2, 4, 6, 8}));
}

TEST_F(Call, ThatIsBoundAndWasMovedFromIsRefused) {
  BoundCall call = cell_.bind(inputs_, outputs_);
  BoundCall taken = std::move(call);
  EXPECT_AIOS_ERROR(call(), kInvalidArgument, "the bound call was moved from");
  x_ = {5, 6, 7, 8};
  taken();
  EXPECT_EQ(y_, (Floats{10, 12, 14, 16}));
}

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

class CallInC : public Call {
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
  aios_cell* c_cell_ = nullptr;
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

TEST_F(CallInC, IsRefusedWithoutACell) {
  EXPECT_EQ(aios_cell_infer(nullptr, nullptr, 0, nullptr, 0, nullptr), AIOS_INVALID_ARGUMENT);
  EXPECT_EQ(aios_call_run(nullptr, nullptr), AIOS_INVALID_ARGUMENT);
  EXPECT_EQ(aios_cell_create(nullptr, nullptr, nullptr), AIOS_INVALID_ARGUMENT);
  EXPECT_EQ(aios_cell_load(c_cell_, nullptr, nullptr), AIOS_INVALID_ARGUMENT);
}

}  // namespace
}  // namespace aios
