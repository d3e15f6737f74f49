// One signature of a loaded model: checks a call, chooses an engine for its sizes, runs it.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "aios/error.hpp"
#include "runtime/contest.hpp"
#include "runtime/shape_routes.hpp"

namespace aios::runtime {

// Sizes of the inputs that engines were made for, each the unknown inner sizes in order.
using PreparedSizes = std::set<std::vector<int64_t>>;

class Endpoint {
 public:
  // `index` is the signature's place in the bundle; `contest` outlives the endpoint. Calls of
  // `prepared` sizes are a kind of their own, others share one with those of about their size.
  Endpoint(Contest& contest, Signature signature, std::size_t index, PreparedSizes prepared = {});

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
    serve(inputs, batch, [&](Runner& runner) { runner.run(inputs, outputs, batch); });
  }

  // Calls `call` with the engine for these inputs; where that doesn't take them (Unsupported), with
  // one that does. Throws what keeps every candidate from answering.
  template <typename Call>
  void serve(Span<const TensorView> inputs, int64_t batch, const Call& call) {
    Runner& runner = runnerFor(inputs, batch);
    try {
      call(runner);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kUnsupported) throw;
      serveElsewhere(inputs, batch, runner, std::current_exception(), call);
    }
  }

  // What a call of this batch is expected to take; infinity where nothing is known.
  double expectedUs(int64_t batch) const noexcept;
  // Whether a call of about this batch was timed.
  bool hasTimed(int64_t batch) const noexcept;

  // Whether a call of n samples is proved to be answered as n calls of one are, so that the calls
  // of several callers may be put together: a probe at export found that, every tensor has the
  // batch as its first size, none is of strings, and the answer's other sizes are known.
  bool answersSamplesAlone() const noexcept { return samples_alone_; }

  // The engine for these inputs, chosen now if it wasn't before. Throws what keeps every candidate
  // from running.
  Runner& runnerFor(Span<const TensorView> inputs, int64_t batch) {
    const std::size_t bucket = bucketOf(batch);
    Runner* chosen = chosen_[bucket].load(std::memory_order_acquire);
    if (chosen == nullptr) chosen = &choose(inputs, batch, bucket);
    last_.store(chosen, std::memory_order_relaxed);
    return *chosen;
  }

  // The engine of the last call; empty before the first choice.
  std::string lastEngine() const;
  SignatureMetrics metrics() const;
  // A row for each kind of call that a choice was made for, and each candidate; one for each
  // reserve that answered none of them.
  std::vector<EngineChoice> explain() const;

 private:
  struct Settled {
    std::size_t bucket;
    Choice choice;
    std::map<const Candidate*, std::string> stood_in;  // for what the chosen one refused
  };

  Runner& choose(Span<const TensorView> inputs, int64_t batch, std::size_t bucket);
  void serveElsewhere(Span<const TensorView> inputs, int64_t batch, Runner& refusing,
                      std::exception_ptr refusal, const std::function<void(Runner&)>& call);
  void route(Span<const TensorView> inputs, std::size_t bucket, Runner& runner);
  Runner& firstThatRuns();
  // The kind of these inputs: "BUCKET" or "BUCKET:SIZES", which is also its key in the cache.
  std::string kindOf(Span<const TensorView> inputs, std::size_t bucket) const;
  Candidate* settledOn(const std::string& kind) const;
  std::vector<Candidate*> orderFor(const std::string& kind) const;
  EngineChoice rowOf(const Settled& settled, const Candidate& candidate) const;

  Contest& contest_;
  const Signature signature_;
  const std::size_t index_;
  const bool outputs_known_;
  const bool sizes_known_;  // of the inputs, but for the batch
  const bool samples_alone_;
  const PreparedSizes prepared_;

  // The engine for every call of a bucket; null where there is none yet, or where it takes more
  // than the batch to tell: then `routes_` knows the engine by the shapes.
  std::array<std::atomic<Runner*>, kBatchBuckets> chosen_{};
  std::array<std::atomic<bool>, kBatchBuckets> mixed_{};
  ShapeRoutes routes_;
  std::atomic<Runner*> last_ = nullptr;

  mutable std::mutex mutex_;  // held for moments only
  std::map<std::string, Settled> settled_;
};

// One zeroed tensor for each spec; sizes that may be any are 1.
std::vector<Tensor> zeros(const std::vector<TensorSpec>& specs);

}  // namespace aios::runtime
