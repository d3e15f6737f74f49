// A call whose tensors, engine and session are settled once, for callers that repeat it.
#pragma once

#include <memory>
#include <vector>

#include "runtime/loaded_model.hpp"

namespace aios::runtime {

// For one thread at a time. Keeps the model, not the tensors' memory.
class BoundCall {
 public:
  // Checks the tensors and answers once, which chooses the engine and warms it up. `endpoint` is
  // one of `model`'s. Throws what Endpoint::infer throws.
  BoundCall(std::shared_ptr<LoadedModel> model, Endpoint& endpoint, Span<const TensorView> inputs,
            Span<TensorView> outputs);
  ~BoundCall();
  // The session is bound to what is in here.
  BoundCall(const BoundCall&) = delete;
  BoundCall& operator=(const BoundCall&) = delete;

  // Answers into the outputs. Allocates nothing and takes no lock on engines that need not. Throws
  // FailedPrecondition in a process that was forked after loading.
  void run() {
    model_->requireSameProcess();
    if (runner_ != nullptr) runner_->runBound(lease_->slot(), batch_);
  }
  // What a call is expected to take.
  double expectedUs() const noexcept {
    return runner_ == nullptr ? 0 : runner_->expectedUs(batch_);
  }

 private:
  void attach(Runner& runner);

  const std::shared_ptr<LoadedModel> model_;
  const std::vector<TensorView> inputs_;
  std::vector<TensorView> outputs_;
  int64_t batch_;
  Runner* runner_ = nullptr;  // null for an empty batch: there is nothing to do
  std::unique_ptr<SessionPool::KeptLease> lease_;
};

}  // namespace aios::runtime
