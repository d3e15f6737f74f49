#include "runtime/bound_call.hpp"

#include <utility>

namespace aios::runtime {

BoundCall::BoundCall(std::shared_ptr<LoadedModel> model, Endpoint& endpoint,
                     Span<const TensorView> inputs, Span<TensorView> outputs)
    : model_(std::move(model)),
      inputs_(inputs.begin(), inputs.end()),
      outputs_(outputs.begin(), outputs.end()),
      batch_(checkInputs(endpoint.signature(), inputs)) {
  endpoint.infer(inputs_, outputs_);
  if (batch_ == 0) return;
  runner_ = &endpoint.runnerFor(inputs_, batch_);
  lease_ = std::make_unique<SessionPool::Lease>(runner_->pool(), runner_->pool().takeToKeep());
  lease_->slot().session->bind(inputs_, outputs_);
  run();
}

}  // namespace aios::runtime
