// Answers several callers' calls of one endpoint by one call: their samples are put together along
// the first dimension, and the answers cut apart again.
#pragma once

#include <exception>
#include <vector>

#include "runtime/endpoint.hpp"

namespace aios::runtime {

// A caller's call, already checked against the signature, of 1 sample or more.
struct BatchedCall {
  Span<const TensorView> inputs;
  int64_t samples = 1;
  // Where the answer is: in the caller's memory, where it gave some of the right shapes; else in
  // the batcher's, until its next run, or in `own`.
  std::vector<TensorView> outputs;
  std::vector<Tensor> own;
  std::exception_ptr error;  // null: it was answered
};

// Whether two calls of an endpoint differ in their number of samples alone.
bool canJoin(Span<const TensorView> a, Span<const TensorView> b) noexcept;

// Whether so many samples, as those of a call of this endpoint, are worth the memory that putting
// them together takes.
bool fitTogether(const Endpoint& endpoint, Span<const TensorView> inputs, int64_t samples);

// For one thread.
class Batcher {
 public:
  // Answers calls that can join, of an endpoint that answers samples alone; or a single call of
  // any whose output shapes are known. If the call for all together fails, as for values that the
  // model doesn't take, each is answered alone, and those that fail have their `error`.
  void run(Endpoint& endpoint, Span<BatchedCall> calls);

 private:
  // Memory that is kept for the next run, unless it is much.
  class Memory {
   public:
    void* take(std::size_t bytes);

   private:
    Tensor bytes_;
  };

  void runTogether(Endpoint& endpoint, Span<BatchedCall> calls);
  std::vector<TensorView> gathered(const Signature& signature, Span<const BatchedCall> calls,
                                   int64_t samples);
  std::vector<TensorView> outputsFor(const Signature& signature, int64_t samples);

  std::vector<Memory> inputs_;
  std::vector<Memory> outputs_;
};

}  // namespace aios::runtime
