// Calls that can't be answered: each is refused by its code.
#include <utility>

#include "expect_error.hpp"
#include "runtime/tiny_call.hpp"

namespace aios {
namespace {

class Call : public TinyCall {};

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

}  // namespace
}  // namespace aios
