#include "server/executions.hpp"

namespace aios::server {

void ExecutionCounters::record(const Execution& execution) noexcept {
  OfBatch& batch = of(execution.samples);
  inferences_.add(static_cast<uint64_t>(execution.samples));
  executions_.add(1);
  batch.executions.add(1);
  batch.input_ns.add(static_cast<uint64_t>(execution.input.count()));
  batch.infer_ns.add(static_cast<uint64_t>(execution.infer.count()));
  batch.output_ns.add(static_cast<uint64_t>(execution.output.count()));
}

void ExecutionCounters::addTo(ExecutionTotals& totals) const noexcept {
  totals.inference_count += inferences_.value();
  totals.execution_count += executions_.value();
  totals.queued += queued_.value();
  totals.queue_ns += queue_ns_.value();
  totals.refused += refused_.value();
  totals.expired += expired_.value();
  totals.cancelled += cancelled_.value();
  for (std::size_t i = 0; i < batches_.size(); ++i) {
    totals.batches[i].executions += batches_[i].executions.value();
    totals.batches[i].input_ns += batches_[i].input_ns.value();
    totals.batches[i].infer_ns += batches_[i].infer_ns.value();
    totals.batches[i].output_ns += batches_[i].output_ns.value();
  }
}

}  // namespace aios::server
