#include "engines/engine.hpp"

#include "expect_error.hpp"

namespace aios::engines {
namespace {

// Counts calls, and remembers the first element of the last.
class Recorder final : public Session {
 public:
  void run(Span<const TensorView> inputs, Span<TensorView> /*outputs*/) override {
    ++calls;
    last = inputs[0].data<float>()[0];
  }
  int calls = 0;
  float last = 0;
};

TEST(Session, RunsWhatWasBound) {
  float x = 3;
  float y = 0;
  const std::vector<TensorView> inputs = {TensorView::of(&x, {1})};
  std::vector<TensorView> outputs = {TensorView::of(&y, {1})};
  Recorder session;
  session.bind(inputs, outputs);
  EXPECT_EQ(session.calls, 0);
  session.runBound();
  x = 4;
  session.runBound();
  EXPECT_EQ(session.calls, 2);
  EXPECT_EQ(session.last, 4);
}

TEST(Session, AnswersOnlyWhereTheEngineCan) {
  Recorder session;
  EXPECT_AIOS_ERROR(session.answer({}), kUnsupported, "use another engine");
}

TEST(RequireSameShape, NamesTheOutputAndBothShapes) {
  float memory[4];
  const TensorView answer = TensorView::of(memory, {2, 2});
  requireSameShape(answer, TensorView::of(memory, {2, 2}), 0);
  EXPECT_AIOS_ERROR(requireSameShape(answer, TensorView::of(memory, {4}), 1), kInvalidArgument,
                    "output 1: the answer is float32[2,2], the memory given for it is float32[4]");
  int32_t numbers[4];
  EXPECT_AIOS_ERROR(requireSameShape(answer, TensorView::of(numbers, {2, 2}), 0), kInvalidArgument,
                    "the memory given for it is int32[2,2]");
}

}  // namespace
}  // namespace aios::engines
