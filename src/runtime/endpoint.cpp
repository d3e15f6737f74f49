#include "runtime/endpoint.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <map>
#include <utility>

#include "aios/error.hpp"

namespace aios::runtime {
namespace {

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

std::vector<Tensor> emptyOutputs(const Signature& signature) {
  std::vector<Tensor> results;
  for (const TensorSpec& spec : signature.outputs) {
    std::vector<int64_t> shape = spec.shape;
    // The batch; of an empty one no other size is known either.
    std::replace(shape.begin(), shape.end(), kAnySize, int64_t{0});
    results.emplace_back(spec.dtype, shape);
  }
  return results;
}

// What tells one artifact of a bundle from another.
std::string nameOf(const bundle::Artifact& artifact) {
  return artifact.engine + "/" + artifact.target + "/" + artifact.precision;
}

EngineChoice rowOf(const bundle::Artifact& artifact) {
  EngineChoice row;
  row.engine = artifact.engine;
  row.target = artifact.target;
  row.precision = artifact.precision;
  row.max_error = artifact.max_error;
  return row;
}

// The engine's own error where there is only one, else one that tells of all.
[[noreturn]] void throwNoneRuns(const Contest& contest) {
  const std::string& engine = contest.candidates.front()->artifact().engine;
  if (std::all_of(contest.candidates.begin(), contest.candidates.end(),
                  [&](const auto& other) { return other->artifact().engine == engine; })) {
    contest.candidates.front()->requireUsable();
  }
  std::string reasons;
  for (const auto& candidate : contest.candidates) {
    reasons +=
        (reasons.empty() ? "" : "; ") + candidate->artifact().engine + ": " + candidate->refusal();
  }
  throw Error(ErrorCode::kNotFound, "no engine can run this bundle here: " + reasons);
}

}  // namespace

Endpoint::Endpoint(Contest& contest, Signature signature, std::size_t index)
    : contest_(contest),
      signature_(std::move(signature)),
      index_(index),
      outputs_known_(runtime::outputShapesAreKnown(signature_)) {}

std::vector<Tensor> Endpoint::infer(Span<const TensorView> inputs) {
  const int64_t batch = checkInputs(signature_, inputs);
  if (!outputs_known_ && batch != 0) return runnerFor(inputs, batch).answer(inputs, batch);
  if (batch == 0) return emptyOutputs(signature_);
  std::vector<Tensor> results = newOutputs(signature_, batch);
  std::vector<TensorView> outputs = viewsOf(results);
  inferChecked(inputs, outputs, batch);
  return results;
}

void Endpoint::infer(Span<const TensorView> inputs, Span<TensorView> outputs) {
  const int64_t batch = checkInputs(signature_, inputs);
  checkOutputs(inputs, outputs, batch);
  if (batch != 0) inferChecked(inputs, outputs, batch);
}

void Endpoint::checkOutputs(Span<const TensorView> inputs, Span<TensorView> outputs,
                            int64_t batch) const {
  if (outputs.size() != signature_.outputs.size()) {
    throw Error(ErrorCode::kInvalidArgument, "signature '" + signature_.name + "': expected " +
                                                 std::to_string(signature_.outputs.size()) +
                                                 " outputs, got " + std::to_string(outputs.size()));
  }
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    checkOutput(signature_.outputs[i], batch, inputs, outputs[i]);
  }
}

double Endpoint::expectedUs(int64_t batch) const noexcept {
  const Runner* chosen = chosen_[bucketOf(batch)].load(std::memory_order_acquire);
  return chosen != nullptr ? chosen->expectedUs(batch) : std::numeric_limits<double>::infinity();
}

Runner& Endpoint::firstThatRuns() {
  for (const auto& candidate : contest_.candidates) {
    if (Runner* runner = candidate->runner(index_)) return *runner;
  }
  throwNoneRuns(contest_);
}

Runner& Endpoint::choose(Span<const TensorView> inputs, int64_t batch, std::size_t bucket) {
  const std::unique_lock<std::mutex> lock(contest_.mutex, std::try_to_lock);
  // While another thread measures, calls are answered by what needs no measuring.
  if (!lock.owns_lock()) return firstThatRuns();
  if (Runner* chosen = chosen_[bucket].load(std::memory_order_acquire)) return *chosen;
  Choice choice = fromCache(bucket);
  if (choice.candidate == nullptr) choice = byMeasurement(inputs, batch, bucket);
  Runner* runner = choice.candidate->runner(index_);
  choices_[bucket] = std::move(choice);
  chosen_[bucket].store(runner, std::memory_order_release);
  return *runner;
}

Endpoint::Choice Endpoint::fromCache(std::size_t bucket) {
  Choice choice;
  if (contest_.cache == nullptr) return choice;
  choice.latencies = contest_.cache->find(signature_.name, bucket);
  std::multimap<double, Candidate*> by_latency;
  for (const auto& candidate : contest_.candidates) {
    const auto found = choice.latencies.find(nameOf(candidate->artifact()));
    if (found != choice.latencies.end()) {
      by_latency.emplace(found->second.p50_us, candidate.get());
    } else if (candidate->runner(index_) != nullptr) {
      // It runs here, wasn't measured then, and may be faster: measure all again.
      return {};
    }
  }
  for (const auto& [p50_us, candidate] : by_latency) {
    if (candidate->runner(index_) == nullptr) continue;
    choice.candidate = candidate;
    choice.reason = "the fastest by an earlier measurement on this machine";
    break;
  }
  return choice;
}

Endpoint::Choice Endpoint::byMeasurement(Span<const TensorView> inputs, int64_t batch,
                                         std::size_t bucket) {
  Choice choice;
  std::vector<Candidate*> usable;
  std::vector<Runner*> runners;
  for (const auto& candidate : contest_.candidates) {
    if (contest_.cache == nullptr && !usable.empty()) break;
    Runner* runner = candidate->runner(index_);
    if (runner == nullptr) continue;
    usable.push_back(candidate.get());
    runners.push_back(runner);
  }
  if (usable.empty()) throwNoneRuns(contest_);
  choice.candidate = usable.front();
  choice.reason = contest_.candidates.size() == 1
                      ? "the only one that may run"
                      : "the first that runs here; nothing was measured";
  if (usable.size() == 1) return choice;
  const std::vector<Latency> latencies = measure(runners, inputs, batch, contest_.max_tuning_ms);
  for (std::size_t i = 0; i < usable.size(); ++i) {
    choice.latencies[nameOf(usable[i]->artifact())] = latencies[i];
  }
  choice.candidate = usable[fastest(latencies)];
  choice.reason = "the fastest by measurement";
  contest_.cache->store(signature_.name, bucket, choice.latencies);
  return choice;
}

std::string Endpoint::lastEngine() const {
  const std::lock_guard<std::mutex> lock(contest_.mutex);
  const Candidate* candidate = choices_[last_bucket_.load(std::memory_order_relaxed)].candidate;
  return candidate == nullptr ? "" : candidate->artifact().engine;
}

SignatureMetrics Endpoint::metrics() const {
  SignatureMetrics metrics;
  metrics.signature = signature_.name;
  std::array<uint64_t, 128> histogram{};
  for (const auto& candidate : contest_.candidates) {
    const std::vector<const Runner*> runners = candidate->runners();
    if (!runners.empty()) runners[index_]->pool().addTo(metrics, histogram);
  }
  summarizeHistogram(histogram, metrics);
  return metrics;
}

std::vector<EngineChoice> Endpoint::explain() const {
  const std::lock_guard<std::mutex> lock(contest_.mutex);
  std::vector<EngineChoice> rows;
  for (std::size_t bucket = 0; bucket < kBatchBuckets; ++bucket) {
    const Choice& choice = choices_[bucket];
    if (choice.candidate == nullptr) continue;
    for (const auto& candidate : contest_.candidates) {
      EngineChoice row = rowOf(candidate->artifact());
      row.batch = bucketLimit(bucket);
      row.chosen = candidate.get() == choice.candidate;
      const auto found = choice.latencies.find(nameOf(candidate->artifact()));
      if (found != choice.latencies.end()) {
        row.p50_us = found->second.p50_us;
        row.p99_us = found->second.p99_us;
      }
      row.reason = row.chosen ? choice.reason : candidate->refusal();
      if (row.reason.empty()) {
        row.reason = found == choice.latencies.end() ? "not measured" : "slower";
      }
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

std::vector<Tensor> zeros(const std::vector<TensorSpec>& specs) {
  std::vector<Tensor> tensors;
  tensors.reserve(specs.size());
  for (const TensorSpec& spec : specs) {
    std::vector<int64_t> shape = spec.shape;
    std::replace(shape.begin(), shape.end(), kAnySize, int64_t{1});
    tensors.emplace_back(spec.dtype, shape);
    if (tensors.back().bytes() != 0) {
      std::memset(tensors.back().view().mutableData(), 0, tensors.back().bytes());
    }
  }
  return tensors;
}

}  // namespace aios::runtime
