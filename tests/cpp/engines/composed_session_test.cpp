#include "engines/composed_session.hpp"

#include <cstring>

#include "expect_error.hpp"

namespace aios::engines {
namespace {

// Doubles rows of two floats, in batches of exactly one size; adds `extra` columns to the answer.
class DoublingSession final : public Session {
 public:
  explicit DoublingSession(int64_t batch, int64_t extra = 0) : batch_(batch), extra_(extra) {}

  void run(Span<const TensorView> inputs, Span<TensorView> outputs) override {
    EXPECT_EQ(inputs[0].dim(0), batch_);
    const auto* x = inputs[0].data<float>();
    auto* y = static_cast<float*>(outputs[0].mutableData());
    for (std::size_t i = 0; i < inputs[0].elements(); ++i) y[i] = 2 * x[i];
    staged_bytes_ += inputs[0].bytes();
  }

  std::vector<Tensor> answer(Span<const TensorView> inputs) override {
    std::vector<Tensor> answers;
    answers.emplace_back(DType::kFloat32, std::vector<int64_t>{batch_, inputs[0].dim(1) + extra_});
    std::vector<TensorView> views = {answers[0].view()};
    run(inputs, views);
    return answers;
  }

 private:
  int64_t batch_;
  int64_t extra_;
};

ComposedSession ofBatches1And4(int64_t extra_of_4 = 0, bool composable = true) {
  std::vector<ComposedSession::Part> parts;
  parts.push_back({1, std::make_unique<DoublingSession>(1)});
  parts.push_back({4, std::make_unique<DoublingSession>(4, extra_of_4)});
  return {std::move(parts), composable};
}

std::vector<float> counted(int64_t rows) {
  std::vector<float> values(static_cast<std::size_t>(2 * rows));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  return values;
}

TEST(ComposedSession, PutsAnAnswerOfUnknownShapeTogether) {
  ComposedSession session = ofBatches1And4();
  for (const int64_t rows : {1, 4, 6, 13}) {
    const std::vector<float> x = counted(rows);
    const std::vector<TensorView> inputs = {TensorView::of(x.data(), {rows, 2})};
    const std::vector<Tensor> answers = session.answer(inputs);
    ASSERT_EQ(answers.size(), 1U);
    ASSERT_EQ(describe(answers[0].view()), "float32[" + std::to_string(rows) + ",2]");
    for (std::size_t i = 0; i < x.size(); ++i) EXPECT_EQ(answers[0].data<float>()[i], 2 * x[i]);
  }
}

TEST(ComposedSession, RefusesToPutAnswersOfOtherInnerSizesTogether) {
  ComposedSession session = ofBatches1And4(/*extra_of_4=*/1);
  const std::vector<float> x = counted(5);
  const std::vector<TensorView> inputs = {TensorView::of(x.data(), {5, 2})};
  EXPECT_AIOS_ERROR(session.answer(inputs), kUnsupported, "can't be put together");
}

TEST(ComposedSession, RefusesOtherBatchesUnlessTheyMayBePutTogether) {
  ComposedSession session = ofBatches1And4(0, /*composable=*/false);
  const std::vector<float> x = counted(5);
  const std::vector<TensorView> inputs = {TensorView::of(x.data(), {5, 2})};
  EXPECT_AIOS_ERROR(session.answer(inputs), kUnsupported, "no graph for a batch of 5");
}

TEST(ComposedSession, CountsWhatItsPartsStage) {
  ComposedSession session = ofBatches1And4();
  const std::vector<float> x = counted(5);
  session.answer(std::vector<TensorView>{TensorView::of(x.data(), {5, 2})});
  EXPECT_EQ(session.stagedBytes(), 5 * 2 * sizeof(float));
}

}  // namespace
}  // namespace aios::engines
