#include "runtime/bound_call.hpp"

#include <utility>

#include "expect_error.hpp"
#include "forked.hpp"
#include "runtime/tiny_call.hpp"

namespace aios {
namespace {

class BoundCalls : public TinyCall {};

TEST_F(BoundCalls, AnswerOnceWhenTheyAreMadeAndThenWhatIsThere) {
  BoundCall call = cell_.bind(inputs_, outputs_);
  EXPECT_EQ(y_[3], 8);
  x_[3] = 50;
  EXPECT_EQ(y_[3], 8);
  call();
  EXPECT_EQ(y_[3], 100);
  EXPECT_EQ(z_[3], 53);
}

TEST_F(BoundCalls, KeepTheirModelWhenTheCellIsClosed) {
  BoundCall call = cell_.bind(inputs_, outputs_);
  cell_.close();
  x_ = {5, 6, 7, 8};
  call();
  EXPECT_EQ(y_, (Floats{10, 12, 14, 16}));
}

TEST_F(BoundCalls, OfAnEmptyBatchHaveNothingToDo) {
  const auto model = runtime::LoadedModel::load(bundle_.path().string(), {}, {});
  inputs_ = {TensorView::of(x_.data(), {0, 2})};
  outputs_ = {TensorView::of(y_.data(), {0, 2}), TensorView::of(z_.data(), {0, 2})};
  runtime::BoundCall call(model, model->endpoint(), inputs_, outputs_);
  call.run();
  EXPECT_EQ(call.expectedUs(), 0);
  EXPECT_EQ(y_, Floats{});
}

TEST_F(BoundCalls, AreRefusedInAForkedChild) {
  BoundCall call = cell_.bind(inputs_, outputs_);
  const auto code = [&] {
    try {
      call();
    } catch (const Error& error) {
      return static_cast<int>(error.code());
    }
    return 0;
  };
  EXPECT_EQ(inForkedChild(code), static_cast<int>(ErrorCode::kFailedPrecondition));
  EXPECT_EQ(code(), 0);
}

TEST_F(BoundCalls, ThatWereMovedFromAreRefused) {
  BoundCall call = cell_.bind(inputs_, outputs_);
  BoundCall taken = std::move(call);
  EXPECT_AIOS_ERROR(call(), kInvalidArgument, "the bound call was moved from");
  x_ = {5, 6, 7, 8};
  taken();
  EXPECT_EQ(y_, (Floats{10, 12, 14, 16}));
}

}  // namespace
}  // namespace aios
