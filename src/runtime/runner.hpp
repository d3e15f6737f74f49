// One signature on one engine: sessions, timing, counters.
#pragma once

#include <memory>
#include <vector>

#include "runtime/call_times.hpp"
#include "runtime/session_pool.hpp"

namespace aios::runtime {

class Runner {
 public:
  Runner(std::shared_ptr<const engines::Model> model, Signature signature, std::size_t capacity);

  const Signature& signature() const noexcept { return pool_.signature(); }

  // Into outputs whose shapes are known and right; the batch is that of the inputs, not 0.
  void run(Span<const TensorView> inputs, Span<TensorView> outputs, int64_t batch);
  // The same where only the answer tells the outputs' shapes.
  std::vector<Tensor> answer(Span<const TensorView> inputs, int64_t batch);

  // Makes a lent session answer what was bound to it.
  void runBound(SessionPool::Slot& slot, int64_t batch);

  // What a call of this batch is expected to take, from those of about its size that were timed,
  // or else the last one; infinity before the first.
  double expectedUs(int64_t batch) const noexcept { return times_.expectedUs(batch); }
  // Whether one of about its size was timed.
  bool hasTimed(int64_t batch) const noexcept { return times_.knows(batch); }

  SessionPool& pool() noexcept { return pool_; }
  const SessionPool& pool() const noexcept { return pool_; }

 private:
  // Calls the slot's session, and counts and times it.
  template <typename Call>
  void counted(SessionPool::Slot& slot, int64_t batch, Call call);

  SessionPool pool_;
  CallTimes times_;
};

// Whether the shapes of all outputs follow from the batch alone.
bool outputShapesAreKnown(const Signature& signature);
// Results for a batch of a signature whose output shapes are known.
std::vector<Tensor> newOutputs(const Signature& signature, int64_t batch);

std::vector<TensorView> viewsOf(const std::vector<Tensor>& tensors);

}  // namespace aios::runtime
