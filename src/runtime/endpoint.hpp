// One signature of a loaded model: checks a call, chooses an engine for its batch, runs it.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "runtime/candidate.hpp"
#include "runtime/selection.hpp"

namespace aios::runtime {

// What the endpoints of a model share: its candidates, in the order of preference where nothing was
// measured, and what was measured before.
struct Contest {
  std::vector<std::unique_ptr<Candidate>> candidates;
  std::unique_ptr<SelectionCache> cache;  // null: nothing is measured, the first that runs is taken
  double max_tuning_ms = 0;
  std::mutex mutex;  // one measurement at a time
};

class Endpoint {
 public:
  // `index` is the signature's place in the bundle; `contest` outlives the endpoint.
  Endpoint(Contest& contest, Signature signature, std::size_t index);

  const Signature& signature() const noexcept { return signature_; }
  // Whether the shapes of all outputs follow from the batch alone.
  bool outputShapesAreKnown() const noexcept { return outputs_known_; }

  // As TensorFlowPerformanceCell::inference.
  std::vector<Tensor> infer(Span<const TensorView> inputs);
  void infer(Span<const TensorView> inputs, Span<TensorView> outputs);
  // Throws InvalidArgument unless the outputs can take the answer to inputs of this batch.
  void checkOutputs(Span<const TensorView> inputs, Span<TensorView> outputs, int64_t batch) const;
  // For a caller that has done checkInputs(), and checkOutputs() unless it made fitting outputs
  // itself; batch is not 0.
  void inferChecked(Span<const TensorView> inputs, Span<TensorView> outputs, int64_t batch) {
    runnerFor(inputs, batch).run(inputs, outputs, batch);
  }

  // What a call of this batch is expected to take; infinity where nothing is known.
  double expectedUs(int64_t batch) const noexcept;

  // The engine for the batch of these inputs, chosen now if it wasn't before. Throws what keeps
  // every candidate from running.
  Runner& runnerFor(Span<const TensorView> inputs, int64_t batch) {
    const std::size_t bucket = bucketOf(batch);
    last_bucket_.store(bucket, std::memory_order_relaxed);
    Runner* chosen = chosen_[bucket].load(std::memory_order_acquire);
    return chosen != nullptr ? *chosen : choose(inputs, batch, bucket);
  }

  // The engine of the last call; empty before the first choice.
  std::string lastEngine() const;
  SignatureMetrics metrics() const;
  // A row for each bucket that a choice was made for, and each candidate.
  std::vector<EngineChoice> explain() const;

 private:
  struct Choice {
    Candidate* candidate = nullptr;
    std::string reason;
    SelectionCache::Row latencies;
  };

  Runner& choose(Span<const TensorView> inputs, int64_t batch, std::size_t bucket);
  Runner& firstThatRuns();
  Choice fromCache(std::size_t bucket);
  Choice byMeasurement(Span<const TensorView> inputs, int64_t batch, std::size_t bucket);

  Contest& contest_;
  const Signature signature_;
  const std::size_t index_;
  const bool outputs_known_;
  std::array<std::atomic<Runner*>, kBatchBuckets> chosen_{};
  std::array<Choice, kBatchBuckets> choices_;  // guarded by the contest's mutex
  std::atomic<std::size_t> last_bucket_ = 0;
};

// One zeroed tensor for each spec; sizes that may be any are 1.
std::vector<Tensor> zeros(const std::vector<TensorSpec>& specs);

}  // namespace aios::runtime
