#include "runtime/batcher.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace aios::runtime {
namespace {

// Of the inputs, and of the answers, of what is put together.
constexpr std::size_t kMostBytes = std::size_t{64} << 20;
constexpr std::size_t kKeptBytes = std::size_t{32} << 20;
// Where memory grows, it grows so much that calls a little larger need no more.
constexpr std::size_t kGrain = std::size_t{64} << 10;

// The same tensor, of another number of samples, in other memory.
TensorView resized(const TensorView& view, int64_t samples, void* memory) {
  std::array<int64_t, kMaxRank> dims{};
  std::copy(view.shape().begin(), view.shape().end(), dims.begin());
  dims[0] = samples;
  return {memory, view.dtype(), Span<const int64_t>(dims.data(), view.rank())};
}

TensorView viewOf(const TensorSpec& spec, int64_t samples, void* memory) {
  return {memory, spec.dtype, outputShape(spec, samples)};
}

// Where the samples from `begin` on are in the answer to all.
char* at(const TensorView& whole, int64_t begin) {
  const std::size_t sample = whole.bytes() / static_cast<std::size_t>(whole.dim(0));
  return static_cast<char*>(whole.mutableData()) + static_cast<std::size_t>(begin) * sample;
}

void cut(Span<const TensorView> whole, Span<BatchedCall> calls) {
  int64_t begin = 0;
  for (BatchedCall& call : calls) {
    const bool is_given = !call.outputs.empty();
    for (std::size_t i = 0; i < whole.size(); ++i) {
      char* const part = at(whole[i], begin);
      if (!is_given) {
        call.outputs.push_back(resized(whole[i], call.samples, part));
      } else if (call.outputs[i].bytes() != 0) {
        std::memcpy(call.outputs[i].mutableData(), part, call.outputs[i].bytes());
      }
    }
    begin += call.samples;
  }
}

void runAlone(Endpoint& endpoint, BatchedCall& call) try {
  if (call.outputs.empty()) {
    call.own = newOutputs(endpoint.signature(), call.samples);
    call.outputs = viewsOf(call.own);
  }
  endpoint.inferChecked(call.inputs, call.outputs, call.samples);
} catch (...) {
  call.error = std::current_exception();
}

}  // namespace

bool canJoin(Span<const TensorView> a, Span<const TensorView> b) noexcept {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const Span<const int64_t> one = a[i].shape(), other = b[i].shape();
    if (one.size() != other.size() || one.empty()) return false;
    if (!std::equal(one.begin() + 1, one.end(), other.begin() + 1)) return false;
  }
  return true;
}

bool fitTogether(const Endpoint& endpoint, Span<const TensorView> inputs, int64_t samples) {
  std::size_t input = 0, output = 0;
  for (const TensorView& tensor : inputs) {
    input += tensor.bytes() / static_cast<std::size_t>(tensor.dim(0));
  }
  for (const TensorSpec& spec : endpoint.signature().outputs) {
    output += viewOf(spec, 1, nullptr).bytes();
  }
  return std::max(input, output) * static_cast<std::size_t>(samples) <= kMostBytes;
}

void Batcher::run(Endpoint& endpoint, Span<BatchedCall> calls) {
  if (calls.size() > 1) {
    try {
      runTogether(endpoint, calls);
      return;
    } catch (const std::exception&) {
      // Whose fault it is shows when each is asked alone.
    }
  }
  for (BatchedCall& call : calls) runAlone(endpoint, call);
}

void Batcher::runTogether(Endpoint& endpoint, Span<BatchedCall> calls) {
  int64_t samples = 0;
  for (const BatchedCall& call : calls) samples += call.samples;
  const Signature& signature = endpoint.signature();
  const std::vector<TensorView> inputs = gathered(signature, {calls.data(), calls.size()}, samples);
  std::vector<TensorView> outputs = outputsFor(signature, samples);
  endpoint.inferChecked(inputs, outputs, samples);
  cut(outputs, calls);
}

std::vector<TensorView> Batcher::gathered(const Signature& signature, Span<const BatchedCall> calls,
                                          int64_t samples) {
  const std::size_t count = signature.inputs.size();
  if (inputs_.size() < count) inputs_.resize(count);
  std::vector<TensorView> views;
  for (std::size_t i = 0; i < count; ++i) {
    const TensorView& first = calls[0].inputs[i];
    const std::size_t sample = first.bytes() / static_cast<std::size_t>(first.dim(0));
    auto* next = static_cast<char*>(inputs_[i].take(sample * static_cast<std::size_t>(samples)));
    views.push_back(resized(first, samples, next));
    for (const BatchedCall& call : calls) {
      const std::size_t bytes = call.inputs[i].bytes();
      if (bytes != 0) std::memcpy(next, call.inputs[i].bytesData(), bytes);
      next += bytes;
    }
  }
  return views;
}

std::vector<TensorView> Batcher::outputsFor(const Signature& signature, int64_t samples) {
  const std::size_t count = signature.outputs.size();
  if (outputs_.size() < count) outputs_.resize(count);
  std::vector<TensorView> views;
  for (std::size_t i = 0; i < count; ++i) {
    const TensorSpec& spec = signature.outputs[i];
    views.push_back(
        viewOf(spec, samples, outputs_[i].take(viewOf(spec, samples, nullptr).bytes())));
  }
  return views;
}

void* Batcher::Memory::take(std::size_t bytes) {
  if (bytes_.bytes() < bytes || bytes_.bytes() > kKeptBytes) {
    bytes_ = Tensor();  // first, so that both are never there at once
    const std::size_t rounded = (bytes / kGrain + 1) * kGrain;
    bytes_ = Tensor(DType::kUInt8, {static_cast<int64_t>(rounded)});
  }
  return bytes_.view().mutableData();
}

}  // namespace aios::runtime
