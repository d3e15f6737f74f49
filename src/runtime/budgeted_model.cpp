#include "runtime/budgeted_model.hpp"

#include <utility>

namespace aios::runtime {
namespace {

// A session comes first and its share second, so that a share is never held by one who waits for a
// session.
class BudgetedSession final : public engines::Session {
 public:
  BudgetedSession(std::unique_ptr<engines::Session> session, int threads, ThreadBudget& budget)
      : session_(std::move(session)), threads_(threads), budget_(budget) {}

  void run(Span<const TensorView> inputs, Span<TensorView> outputs) override {
    withShare([&] { session_->run(inputs, outputs); });
  }

  void bind(Span<const TensorView> inputs, Span<TensorView> outputs) override {
    session_->bind(inputs, outputs);
  }

  void runBound() override {
    withShare([&] { session_->runBound(); });
  }

  std::vector<Tensor> answer(Span<const TensorView> inputs) override {
    std::vector<Tensor> answers;
    withShare([&] { answers = session_->answer(inputs); });
    return answers;
  }

 private:
  template <typename Call>
  void withShare(Call call) {
    const ThreadBudget::Share share(budget_, threads_);
    call();
    staged_bytes_ = session_->stagedBytes();
  }

  std::unique_ptr<engines::Session> session_;
  const int threads_;
  ThreadBudget& budget_;
};

class BudgetedModel final : public engines::Model {
 public:
  BudgetedModel(std::shared_ptr<const engines::Model> model, int threads, ThreadBudget& budget)
      : model_(std::move(model)), threads_(threads), budget_(budget) {}

  std::unique_ptr<engines::Session> newSession(const Signature& signature) const override {
    return std::make_unique<BudgetedSession>(model_->newSession(signature), threads_, budget_);
  }

 private:
  const std::shared_ptr<const engines::Model> model_;
  const int threads_;
  ThreadBudget& budget_;
};

}  // namespace

std::shared_ptr<const engines::Model> budgeted(std::shared_ptr<const engines::Model> model,
                                               int threads, ThreadBudget& budget) {
  if (!budget.governs(threads)) return model;
  return std::make_shared<BudgetedModel>(std::move(model), threads, budget);
}

}  // namespace aios::runtime
