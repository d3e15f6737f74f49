#include "runtime/batcher.hpp"

#include <gtest/gtest.h>

#include <numeric>

#include "runtime/function_endpoint.hpp"

namespace aios::runtime {
namespace {

Signature twoInputs() {
  return {"serve",
          {{"a", DType::kFloat32, {-1, 2}}, {"b", DType::kInt32, {-1}}},
          {{"sum", DType::kFloat32, {-1, 2}}, {"twice", DType::kInt32, {-1}}}};
}

class BatcherTest : public testing::Test {
 protected:
  // sum[i] = a[i] + b, twice = 2 b. Refuses samples whose b is 13.
  void answer(Span<const TensorView> inputs, Span<TensorView> outputs) {
    const int64_t samples = inputs[1].dim(0);
    batches_.push_back(samples);
    const auto* a = inputs[0].data<float>();
    const auto* b = inputs[1].data<int32_t>();
    auto* sum = static_cast<float*>(outputs[0].mutableData());
    auto* twice = static_cast<int32_t*>(outputs[1].mutableData());
    for (int64_t i = 0; i < samples; ++i) {
      if (b[i] == 13) throw Error(ErrorCode::kInvalidArgument, "13 is out of range");
      sum[2 * i] = a[2 * i] + static_cast<float>(b[i]);
      sum[2 * i + 1] = a[2 * i + 1] + static_cast<float>(b[i]);
      twice[i] = 2 * b[i];
    }
  }

  // A caller with samples b = from, from + 1, …
  struct Caller {
    Caller(int32_t from, int64_t samples) : a(static_cast<std::size_t>(2 * samples), 0.5f) {
      b.resize(static_cast<std::size_t>(samples));
      std::iota(b.begin(), b.end(), from);
      views = {TensorView::of(a.data(), {samples, 2}), TensorView::of(b.data(), {samples})};
    }
    std::vector<float> a;
    std::vector<int32_t> b;
    std::vector<TensorView> views;
  };

  // Twice each caller's first b, as it was answered; -1 where that failed.
  std::vector<int32_t> run(const std::vector<Caller*>& callers) {
    std::vector<BatchedCall> calls(callers.size());
    for (std::size_t i = 0; i < calls.size(); ++i) {
      calls[i].inputs = callers[i]->views;
      calls[i].samples = callers[i]->views[0].dim(0);
    }
    batcher_.run(*endpoint_, calls);
    std::vector<int32_t> firsts;
    for (const BatchedCall& call : calls) {
      if (call.error != nullptr) {
        firsts.push_back(-1);
        continue;
      }
      EXPECT_EQ(call.outputs[0].dim(0), call.samples);
      EXPECT_EQ(call.outputs[1].dim(0), call.samples);
      const auto last = static_cast<std::size_t>(call.samples - 1);
      EXPECT_EQ(call.outputs[0].data<float>()[2 * last + 1],
                0.5f + static_cast<float>(call.outputs[1].data<int32_t>()[last]) / 2);
      firsts.push_back(call.outputs[1].data<int32_t>()[0]);
    }
    return firsts;
  }

  std::vector<int64_t> batches_;
  FunctionEndpoint endpoint_{twoInputs(),
                             [this](auto inputs, auto outputs) { answer(inputs, outputs); }};
  Batcher batcher_;
};

TEST_F(BatcherTest, AnswersSeveralCallersByOneCall) {
  Caller one(1, 1), three(5, 3), two(20, 2);
  EXPECT_EQ(run({&one, &three, &two}), (std::vector<int32_t>{2, 10, 40}));
  EXPECT_EQ(batches_, (std::vector<int64_t>{6}));
}

TEST_F(BatcherTest, UsesItsMemoryAgainForBatchesOfOtherSizes) {
  Caller one(1, 1), large(100, 40000), other(7, 2);
  EXPECT_EQ(run({&one, &other}), (std::vector<int32_t>{2, 14}));
  EXPECT_EQ(run({&one, &large, &other}), (std::vector<int32_t>{2, 200, 14}));
  EXPECT_EQ(run({&other, &one}), (std::vector<int32_t>{14, 2}));
}

TEST_F(BatcherTest, AnswersIntoTheCallersOwnMemory) {
  Caller one(1, 1), two(20, 2);
  std::vector<float> sum(4);
  std::vector<int32_t> twice(2);
  std::vector<BatchedCall> calls(2);
  calls[0].inputs = one.views;
  calls[1].inputs = two.views;
  calls[1].samples = 2;
  calls[1].outputs = {TensorView::of(sum.data(), {2, 2}), TensorView::of(twice.data(), {2})};
  batcher_.run(*endpoint_, calls);
  EXPECT_EQ(batches_, (std::vector<int64_t>{3}));
  EXPECT_EQ(twice, (std::vector<int32_t>{40, 42}));
  EXPECT_EQ(sum, (std::vector<float>{20.5f, 20.5f, 21.5f, 21.5f}));
}

TEST_F(BatcherTest, LetsACallThatFailsFailAlone) {
  Caller good(1, 1), bad(12, 2), other(30, 2);
  EXPECT_EQ(run({&good, &bad, &other}), (std::vector<int32_t>{2, -1, 60}));
  EXPECT_EQ(batches_, (std::vector<int64_t>{5, 1, 2, 2}));
}

TEST_F(BatcherTest, AnswersASingleCall) {
  Caller one(4, 1), bad(13, 1);
  EXPECT_EQ(run({&one}), (std::vector<int32_t>{8}));
  EXPECT_EQ(run({&bad}), (std::vector<int32_t>{-1}));
}

TEST(CanJoin, WhatDiffersInTheNumberOfSamplesAlone) {
  std::vector<float> data(100);
  const auto view = [&](std::initializer_list<int64_t> shape) {
    return std::vector<TensorView>{TensorView::of(data.data(), shape)};
  };
  EXPECT_TRUE(canJoin(view({1, 3, 4}), view({5, 3, 4})));
  EXPECT_FALSE(canJoin(view({1, 3, 4}), view({1, 4, 3})));
  EXPECT_FALSE(canJoin(view({1, 3}), view({1, 3, 1})));
}

}  // namespace
}  // namespace aios::runtime
