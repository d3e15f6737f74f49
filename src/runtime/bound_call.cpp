#include "runtime/bound_call.hpp"

#include <utility>

namespace aios::runtime {

BoundCall::BoundCall(std::shared_ptr<LoadedModel> model, Endpoint& endpoint,
                     Span<const TensorView> inputs, Span<TensorView> outputs)
    : model_(std::move(model)),
      inputs_(inputs.begin(), inputs.end()),
      outputs_(outputs.begin(), outputs.end()),
      batch_(checkInputs(endpoint.signature(), inputs)) {
  endpoint.checkOutputs(inputs_, outputs_, batch_);
  if (batch_ != 0) endpoint.serve(inputs_, batch_, [this](Runner& runner) { attach(runner); });
}

// The pool may be locked for ever by a thread that stayed in the parent.
BoundCall::~BoundCall() {
  if (model_->isForked()) static_cast<void>(lease_.release());
}

void BoundCall::attach(Runner& runner) {
  lease_ = std::make_unique<SessionPool::KeptLease>(runner.pool());
  lease_->slot().session->bind(inputs_, outputs_);
  runner.runBound(lease_->slot(), batch_);
  runner_ = &runner;
}

}  // namespace aios::runtime
