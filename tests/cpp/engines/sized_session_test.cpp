#include "engines/sized_session.hpp"

#include "expect_error.hpp"

namespace aios::engines {
namespace {

// Answers its own number everywhere.
class NumberedSession final : public Session {
 public:
  explicit NumberedSession(float number) : number_(number) {}
  void run(Span<const TensorView> /*inputs*/, Span<TensorView> outputs) override {
    static_cast<float*>(outputs[0].mutableData())[0] = number_;
  }
  std::vector<Tensor> answer(Span<const TensorView> inputs) override {
    std::vector<Tensor> answers;
    answers.emplace_back(DType::kFloat32, inputs[0].shape());
    std::vector<TensorView> views = {answers[0].view()};
    run(inputs, views);
    return answers;
  }

 private:
  float number_;
};

const Signature kSignature = {
    "serve", {{"x", DType::kFloat32, {-1, -1, 4}}}, {{"y", DType::kFloat32, {-1, -1, 4}}}};

bundle::Graph graphOf(std::vector<int64_t> sizes, int64_t batch = kAnySize) {
  bundle::Graph graph;
  graph.batch = batch;
  if (!sizes.empty()) graph.sizes["x"] = std::move(sizes);
  return graph;
}

// A session over graphs that answer their place among them.
class Numbered {
 public:
  explicit Numbered(std::vector<bundle::Graph> graphs) : graphs_(std::move(graphs)) {
    session_ = sessionOf("stub", graphs_, kSignature, /*composable=*/true, [&](std::size_t graph) {
      ++made_;
      return std::make_unique<NumberedSession>(static_cast<float>(graph));
    });
  }
  float ask(int64_t batch, int64_t length) {
    const Tensor x(DType::kFloat32, {batch, length, 4});
    return session_->answer(std::vector<TensorView>{x.view()})[0].data<float>()[0];
  }
  Session& session() { return *session_; }
  int made() const { return made_; }

 private:
  std::vector<bundle::Graph> graphs_;
  std::unique_ptr<Session> session_;
  int made_ = 0;
};

TEST(SessionOf, TakesTheGraphThatIsMadeForTheSizesOfTheCall) {
  Numbered numbered({graphOf({16}), graphOf({}), graphOf({64})});
  EXPECT_EQ(numbered.ask(1, 64), 2);
  EXPECT_EQ(numbered.ask(1, 16), 0);
  EXPECT_EQ(numbered.ask(3, 17), 1);
}

TEST(SessionOf, TellsTheSizesThatAreThereWhereNoneFits) {
  Numbered numbered({graphOf({16}), graphOf({64})});
  EXPECT_AIOS_ERROR(numbered.ask(1, 17), kUnsupported,
                    "'stub' has no graph for float32[1,17,4]: inner sizes 16 or 64");
}

TEST(SessionOf, MakesTheSessionOfASizeWhenItIsFirstNeeded) {
  Numbered numbered({graphOf({16}), graphOf({64})});
  EXPECT_EQ(numbered.made(), 0);
  numbered.ask(1, 64);
  numbered.ask(1, 64);
  EXPECT_EQ(numbered.made(), 1);
}

TEST(SessionOf, PutsBatchesOfOneSizeTogether) {
  Numbered numbered({graphOf({16}, 1), graphOf({16}, 4), graphOf({}, 1)});
  EXPECT_EQ(numbered.ask(4, 16), 1);
  EXPECT_EQ(numbered.ask(1, 16), 0);
  EXPECT_EQ(numbered.ask(1, 5), 2);
}

TEST(SessionOf, BindsToTheGraphOfTheTensorsSizes) {
  Numbered numbered({graphOf({16}), graphOf({64})});
  const Tensor x(DType::kFloat32, {1, 64, 4});
  const Tensor y(DType::kFloat32, {1, 64, 4});
  const std::vector<TensorView> inputs = {x.view()};
  std::vector<TensorView> outputs = {y.view()};
  numbered.session().bind(inputs, outputs);
  numbered.session().runBound();
  EXPECT_EQ(y.data<float>()[0], 1);
}

TEST(SessionOf, RefusesASignatureThatNoGraphIsFor) {
  bundle::Graph other = graphOf({});
  other.signature = "other";
  EXPECT_AIOS_ERROR(Numbered({other}), kUnsupported, "no graph for signature 'serve'");
}

}  // namespace
}  // namespace aios::engines
