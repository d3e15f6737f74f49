#include "runtime/endpoint.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>

#include "aios/error.hpp"

namespace aios::runtime {
namespace {

bool shapeIsKnown(const TensorSpec& spec) {
  // A string's bytes are known only with the answer.
  if (spec.dtype == DType::kString) return false;
  return spec.shape.empty() ||
         std::find(spec.shape.begin() + 1, spec.shape.end(), kAnySize) == spec.shape.end();
}

bool overlap(const TensorView& a, const TensorView& b) {
  const auto* a_begin = static_cast<const char*>(a.bytesData());
  const auto* b_begin = static_cast<const char*>(b.bytesData());
  return a_begin < b_begin + b.bytes() && b_begin < a_begin + a.bytes();
}

[[noreturn]] void throwOutput(const TensorSpec& spec, const std::string& what) {
  throw Error(ErrorCode::kInvalidArgument, "output '" + spec.name + "': expected " + what);
}

void checkOutput(const TensorSpec& spec, int64_t batch, Span<const TensorView> inputs,
                 const TensorView& output) {
  checkTensor("output", spec, output);
  const bool batched = !spec.shape.empty() && spec.shape[0] == kAnySize;
  if (batched && output.dim(0) != batch) {
    std::vector<int64_t> expected = spec.shape;
    expected[0] = batch;
    throwOutput(spec, describe(spec.dtype, expected) + ", got " + describe(output) +
                          "; give it the batch size of the inputs");
  }
  if (!output.writable()) throwOutput(spec, "writable memory, got read-only");
  for (const TensorView& input : inputs) {
    if (overlap(output, input)) {
      throwOutput(spec, "memory of its own, got memory that an input uses too");
    }
  }
}

}  // namespace

Endpoint::Endpoint(std::shared_ptr<const engines::Model> model, Signature signature,
                   std::size_t capacity)
    : pool_(std::move(model), std::move(signature), capacity),
      outputs_known_(std::all_of(pool_.signature().outputs.begin(), pool_.signature().outputs.end(),
                                 shapeIsKnown)) {}

template <typename Call>
void Endpoint::timed(int64_t batch, Call call) {
  const SessionPool::Lease lease = pool_.acquire();
  SessionPool::Slot& slot = lease.slot();
  const bool timed = slot.stats.wantsTime();
  const auto begin =
      timed ? std::chrono::steady_clock::now() : std::chrono::steady_clock::time_point();
  try {
    call(*slot.session);
  } catch (...) {
    slot.stats.countError();
    throw;
  }
  if (timed) {
    const auto latency = std::chrono::steady_clock::now() - begin;
    slot.stats.recordLatency(latency);
    const double us = std::chrono::duration<double, std::micro>(latency).count();
    us_per_sample_.store(us / static_cast<double>(batch), std::memory_order_relaxed);
  }
  slot.stats.countCall(batch);
  slot.staged_bytes.store(slot.session->stagedBytes(), std::memory_order_relaxed);
}

void Endpoint::inferChecked(Span<const TensorView> inputs, Span<TensorView> outputs,
                            int64_t batch) {
  timed(batch, [&](engines::Session& session) { session.run(inputs, outputs); });
}

void Endpoint::infer(Span<const TensorView> inputs, Span<TensorView> outputs) {
  const int64_t batch = checkInputs(signature(), inputs);
  if (outputs.size() != signature().outputs.size()) {
    throw Error(ErrorCode::kInvalidArgument, "signature '" + signature().name + "': expected " +
                                                 std::to_string(signature().outputs.size()) +
                                                 " outputs, got " + std::to_string(outputs.size()));
  }
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    checkOutput(signature().outputs[i], batch, inputs, outputs[i]);
  }
  if (batch != 0) inferChecked(inputs, outputs, batch);
}

std::vector<Tensor> Endpoint::infer(Span<const TensorView> inputs) {
  const int64_t batch = checkInputs(signature(), inputs);
  std::vector<Tensor> results;
  if (!outputs_known_ && batch != 0) {
    timed(batch, [&](engines::Session& session) { results = session.answer(inputs); });
    return results;
  }
  for (const TensorSpec& spec : signature().outputs) {
    std::vector<int64_t> shape = spec.shape;
    if (!shape.empty() && shape[0] == kAnySize) shape[0] = batch;
    // Only an empty batch comes here with another size unknown.
    std::replace(shape.begin(), shape.end(), kAnySize, int64_t{0});
    results.emplace_back(spec.dtype, shape);
  }
  std::vector<TensorView> outputs = viewsOf(results);
  if (batch != 0) inferChecked(inputs, outputs, batch);
  return results;
}

std::vector<Tensor> zeros(const std::vector<TensorSpec>& specs) {
  std::vector<Tensor> tensors;
  tensors.reserve(specs.size());
  for (const TensorSpec& spec : specs) {
    std::vector<int64_t> shape = spec.shape;
    std::replace(shape.begin(), shape.end(), kAnySize, int64_t{1});
    tensors.emplace_back(spec.dtype, shape);
    std::memset(tensors.back().view().mutableData(), 0, tensors.back().bytes());
  }
  return tensors;
}

std::vector<TensorView> viewsOf(const std::vector<Tensor>& tensors) {
  std::vector<TensorView> views;
  views.reserve(tensors.size());
  for (const Tensor& tensor : tensors) views.push_back(tensor.view());
  return views;
}

}  // namespace aios::runtime
