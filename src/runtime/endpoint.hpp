// One signature of a loaded model: checks a call, runs it in a session, counts it.
#pragma once

#include <atomic>
#include <limits>
#include <memory>
#include <vector>

#include "runtime/session_pool.hpp"

namespace aios::runtime {

class Endpoint {
 public:
  Endpoint(std::shared_ptr<const engines::Model> model, Signature signature, std::size_t capacity);

  const Signature& signature() const noexcept { return pool_.signature(); }
  // Whether the shapes of all outputs follow from the batch alone.
  bool outputShapesAreKnown() const noexcept { return outputs_known_; }

  // As TensorFlowPerformanceCell::inference.
  std::vector<Tensor> infer(Span<const TensorView> inputs);
  void infer(Span<const TensorView> inputs, Span<TensorView> outputs);
  // For a caller that has done checkInputs() and made fitting outputs itself; batch is not 0.
  void inferChecked(Span<const TensorView> inputs, Span<TensorView> outputs, int64_t batch);

  // What a call of this batch is expected to take, from the last one that was timed; infinity
  // before the first.
  double expectedUs(int64_t batch) const noexcept {
    return us_per_sample_.load(std::memory_order_relaxed) * static_cast<double>(batch);
  }

  SessionPool& pool() noexcept { return pool_; }
  SignatureMetrics metrics() const { return pool_.metrics(); }

 private:
  template <typename Call>
  void timed(int64_t batch, Call call);

  SessionPool pool_;
  bool outputs_known_;
  std::atomic<double> us_per_sample_ = std::numeric_limits<double>::infinity();
};

// One zeroed tensor for each spec; sizes that may be any are 1.
std::vector<Tensor> zeros(const std::vector<TensorSpec>& specs);
std::vector<TensorView> viewsOf(const std::vector<Tensor>& tensors);

}  // namespace aios::runtime
