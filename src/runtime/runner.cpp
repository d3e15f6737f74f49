#include "runtime/runner.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "aios/error.hpp"

namespace aios::runtime {

Runner::Runner(std::shared_ptr<const engines::Model> model, Signature signature,
               std::size_t capacity)
    : pool_(std::move(model), std::move(signature), capacity) {}

template <typename Call>
void Runner::counted(SessionPool::Slot& slot, int64_t batch, Call call) {
  const bool timed = slot.stats.wantsTime();
  const auto begin =
      timed ? std::chrono::steady_clock::now() : std::chrono::steady_clock::time_point();
  try {
    call(*slot.session);
  } catch (const Error& error) {
    // Another engine may answer what this one doesn't take.
    if (error.code() != ErrorCode::kUnsupported) slot.stats.countError();
    throw;
  } catch (...) {
    slot.stats.countError();
    throw;
  }
  if (timed) {
    const auto latency = std::chrono::steady_clock::now() - begin;
    slot.stats.recordLatency(latency);
    times_.record(batch, std::chrono::duration<double, std::micro>(latency).count());
  }
  slot.stats.countCall(batch);
  slot.staged_bytes.store(slot.session->stagedBytes(), std::memory_order_relaxed);
}

void Runner::run(Span<const TensorView> inputs, Span<TensorView> outputs, int64_t batch) {
  const SessionPool::Lease lease = pool_.acquire();
  counted(lease.slot(), batch, [&](engines::Session& session) { session.run(inputs, outputs); });
}

std::vector<Tensor> Runner::answer(Span<const TensorView> inputs, int64_t batch) {
  const SessionPool::Lease lease = pool_.acquire();
  std::vector<Tensor> results;
  counted(lease.slot(), batch,
          [&](engines::Session& session) { results = session.answer(inputs); });
  return results;
}

void Runner::runBound(SessionPool::Slot& slot, int64_t batch) {
  counted(slot, batch, [](engines::Session& session) { session.runBound(); });
}

bool outputShapesAreKnown(const Signature& signature) {
  return std::all_of(signature.outputs.begin(), signature.outputs.end(), [](const auto& spec) {
    // A string's bytes are known only with the answer.
    if (spec.dtype == DType::kString) return false;
    const auto& shape = spec.shape;
    return shape.empty() || std::find(shape.begin() + 1, shape.end(), kAnySize) == shape.end();
  });
}

std::vector<Tensor> newOutputs(const Signature& signature, int64_t batch) {
  std::vector<Tensor> results;
  results.reserve(signature.outputs.size());
  for (const TensorSpec& spec : signature.outputs) {
    results.emplace_back(spec.dtype, outputShape(spec, batch));
  }
  return results;
}

std::vector<TensorView> viewsOf(const std::vector<Tensor>& tensors) {
  std::vector<TensorView> views;
  views.reserve(tensors.size());
  for (const Tensor& tensor : tensors) views.push_back(tensor.view());
  return views;
}

}  // namespace aios::runtime
