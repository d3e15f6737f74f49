#include "runtime/endpoint.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "aios/error.hpp"

namespace aios::runtime {
namespace {

bool overlap(const TensorView& a, const TensorView& b) {
  if (a.elements() == 0 || b.elements() == 0) return false;
  const auto* a_begin = static_cast<const char*>(a.bytesData());
  const auto* b_begin = static_cast<const char*>(b.bytesData());
  return a_begin < b_begin + b.bytes() && b_begin < a_begin + a.bytes();
}

// What is thrown is made apart from the checks, which every call does.

[[noreturn]] void throwOutput(const TensorSpec& spec, const std::string& what) {
  throw Error(ErrorCode::kInvalidArgument, "output '" + spec.name + "': expected " + what);
}

[[noreturn, gnu::noinline]] void throwBatch(const TensorSpec& spec, const TensorView& output,
                                            int64_t batch) {
  std::vector<int64_t> expected = spec.shape;
  expected[0] = batch;
  throwOutput(spec, describe(spec.dtype, expected) + ", got " + describe(output) +
                        "; give it the batch size of the inputs");
}

[[noreturn, gnu::noinline]] void throwReadOnly(const TensorSpec& spec) {
  throwOutput(spec, "writable memory, got read-only");
}

[[noreturn, gnu::noinline]] void throwShared(const TensorSpec& spec, const std::string& with) {
  throwOutput(spec, "memory of its own, got memory that " + with +
                        " uses too; give it an array of its own");
}

void checkOutput(const TensorSpec& spec, int64_t batch, Span<const TensorView> inputs,
                 const TensorView& output) {
  checkTensor("output", spec, output);
  const bool batched = !spec.shape.empty() && spec.shape[0] == kAnySize;
  if (batched && output.dim(0) != batch) throwBatch(spec, output, batch);
  if (!output.writable()) throwReadOnly(spec);
  for (const TensorView& input : inputs) {
    if (overlap(output, input)) throwShared(spec, "an input");
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

// Shapes whose engine is remembered where it takes more than the batch to tell.
constexpr std::size_t kRoutesOfAnySize = 1024;
constexpr std::size_t kRoutesOfBatches = 64;

// Whether a size other than the batch may be any.
bool hasUnknownSizes(const Signature& signature) {
  return std::any_of(signature.inputs.begin(), signature.inputs.end(), [](const auto& spec) {
    const auto& shape = spec.shape;
    return !shape.empty() && std::find(shape.begin() + 1, shape.end(), kAnySize) != shape.end();
  });
}

// Whether the first size of every tensor is the batch, and all can be cut there.
bool haveBatches(const Signature& signature) {
  const auto has_batch = [](const TensorSpec& spec) {
    return spec.dtype != DType::kString && !spec.shape.empty() && spec.shape[0] == kAnySize;
  };
  const auto all = [&](const std::vector<TensorSpec>& specs) {
    return !specs.empty() && std::all_of(specs.begin(), specs.end(), has_batch);
  };
  return all(signature.inputs) && all(signature.outputs);
}

bool areComposable(const Contest& contest) {
  return std::all_of(contest.candidates.begin(), contest.candidates.end(),
                     [](const auto& candidate) { return candidate->artifact().composable; });
}

}  // namespace

Endpoint::Endpoint(Contest& contest, Signature signature, std::size_t index, PreparedSizes prepared)
    : contest_(contest),
      signature_(std::move(signature)),
      index_(index),
      outputs_known_(runtime::outputShapesAreKnown(signature_)),
      sizes_known_(!hasUnknownSizes(signature_)),
      samples_alone_(outputs_known_ && haveBatches(signature_) && areComposable(contest)),
      prepared_(std::move(prepared)),
      routes_(sizes_known_ ? kRoutesOfBatches : kRoutesOfAnySize) {}

std::vector<Tensor> Endpoint::infer(Span<const TensorView> inputs) {
  const int64_t batch = checkInputs(signature_, inputs);
  if (batch == 0) return emptyOutputs(signature_);
  std::vector<Tensor> results;
  if (!outputs_known_) {
    serve(inputs, batch, [&](Runner& runner) { results = runner.answer(inputs, batch); });
    return results;
  }
  results = newOutputs(signature_, batch);
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
  checkCount(signature_, "output", signature_.outputs.size(), {outputs.data(), outputs.size()});
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    checkOutput(signature_.outputs[i], batch, inputs, outputs[i]);
    for (std::size_t before = 0; before < i; ++before) {
      if (!overlap(outputs[before], outputs[i])) continue;
      throwShared(signature_.outputs[i], "output '" + signature_.outputs[before].name + "'");
    }
  }
}

double Endpoint::expectedUs(int64_t batch) const noexcept {
  const Runner* chosen = chosen_[bucketOf(batch)].load(std::memory_order_acquire);
  return chosen != nullptr ? chosen->expectedUs(batch) : std::numeric_limits<double>::infinity();
}

bool Endpoint::hasTimed(int64_t batch) const noexcept {
  const Runner* chosen = chosen_[bucketOf(batch)].load(std::memory_order_acquire);
  return chosen != nullptr && chosen->hasTimed(batch);
}

Runner& Endpoint::firstThatRuns() {
  for (const auto& candidate : contest_.candidates) {
    if (Runner* runner = candidate->runner(index_)) return *runner;
  }
  throwNoneRuns(contest_);
}

std::string Endpoint::kindOf(Span<const TensorView> inputs, std::size_t bucket) const {
  std::string kind = std::to_string(bucket);
  if (sizes_known_) return kind;
  std::vector<int64_t> sizes;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const std::vector<int64_t>& shape = signature_.inputs[i].shape;
    for (std::size_t axis = 1; axis < shape.size(); ++axis) {
      if (shape[axis] == kAnySize) sizes.push_back(inputs[i].dim(axis));
    }
  }
  const bool exactly = prepared_.count(sizes) != 0;
  const char* separator = ":";
  for (const int64_t size : sizes) {
    kind += separator;
    kind += exactly ? std::to_string(size) : "<=" + std::to_string(bucketLimit(bucketOf(size)));
    separator = ",";
  }
  return kind;
}

Candidate* Endpoint::settledOn(const std::string& kind) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = settled_.find(kind);
  return found == settled_.end() ? nullptr : found->second.choice.ranking.front();
}

// The engine of every later call of the bucket, unless its calls have to be told apart.
void Endpoint::route(Span<const TensorView> inputs, std::size_t bucket, Runner& runner) {
  routes_.remember(fingerprintOf(inputs), runner);
  const bool apart = !sizes_known_ || mixed_[bucket].load();
  chosen_[bucket].store(apart ? nullptr : &runner);
  // Another thread may just have found that they do.
  if (mixed_[bucket].load()) chosen_[bucket].store(nullptr);
}

Runner& Endpoint::choose(Span<const TensorView> inputs, int64_t batch, std::size_t bucket) {
  if (Runner* known = routes_.find(fingerprintOf(inputs))) return *known;
  const std::string kind = kindOf(inputs, bucket);
  Candidate* best = settledOn(kind);
  if (best == nullptr) {
    const std::unique_lock<std::mutex> measuring(contest_.measuring, std::try_to_lock);
    // While another thread measures, calls are answered by what needs no measuring.
    if (!measuring.owns_lock()) return firstThatRuns();
    best = settledOn(kind);
    if (best == nullptr) {
      Choice choice = runtime::choose(contest_, {signature_, index_, kind, inputs, batch});
      best = choice.ranking.front();
      const std::lock_guard<std::mutex> lock(mutex_);
      settled_.emplace(kind, Settled{bucket, std::move(choice), {}});
    }
  }
  Runner& runner = *best->runner(index_);
  route(inputs, bucket, runner);
  return runner;
}

std::vector<Candidate*> Endpoint::orderFor(const std::string& kind) const {
  std::vector<Candidate*> order;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = settled_.find(kind);
    if (found != settled_.end()) order = found->second.choice.ranking;
  }
  for (const auto& candidate : contest_.candidates) {
    if (std::find(order.begin(), order.end(), candidate.get()) == order.end()) {
      order.push_back(candidate.get());
    }
  }
  return order;
}

void Endpoint::serveElsewhere(Span<const TensorView> inputs, int64_t batch, Runner& refusing,
                              std::exception_ptr refusal,
                              const std::function<void(Runner&)>& call) {
  const std::size_t bucket = bucketOf(batch);
  const std::string kind = kindOf(inputs, bucket);
  std::vector<Failure> failures;
  for (Candidate* candidate : orderFor(kind)) {
    Runner* runner = candidate->runner(index_);
    if (runner == nullptr) continue;
    if (runner == &refusing) {
      failures.push_back({candidate, refusal});
      continue;
    }
    try {
      call(*runner);
    } catch (const Error&) {
      failures.push_back({candidate, std::current_exception()});
      continue;
    }
    mixed_[bucket].store(true);
    route(inputs, bucket, *runner);
    last_.store(runner, std::memory_order_relaxed);
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto settled = settled_.find(kind);
    if (settled != settled_.end()) {
      settled->second.stood_in.emplace(candidate, "answered " + describeAll(inputs) +
                                                      ", which was refused: " + messageOf(refusal));
    }
    return;
  }
  throwNoneAnswers(failures, inputs);
}

std::string Endpoint::lastEngine() const {
  const Runner* last = last_.load(std::memory_order_relaxed);
  for (const auto& candidate : contest_.candidates) {
    const std::vector<const Runner*> runners = candidate->runners();
    if (last != nullptr && !runners.empty() && runners[index_] == last) {
      return candidate->artifact().engine;
    }
  }
  return "";
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

EngineChoice Endpoint::rowOf(const Settled& settled, const Candidate& candidate) const {
  EngineChoice row = runtime::rowOf(candidate.artifact());
  row.batch = bucketLimit(settled.bucket);
  row.chosen = &candidate == settled.choice.ranking.front();
  const auto standing = settled.choice.standings.find(nameOf(candidate.artifact()));
  const bool measured = standing != settled.choice.standings.end();
  if (measured) {
    row.p50_us = standing->second.latency.p50_us;
    row.p99_us = standing->second.latency.p99_us;
  }
  const auto stood_in = settled.stood_in.find(&candidate);
  row.reason = row.chosen ? settled.choice.reason : candidate.refusal();
  if (row.reason.empty() && measured && !standing->second.refusal.empty()) {
    row.reason = "out of the contest for such calls: " + standing->second.refusal;
  }
  if (row.reason.empty()) row.reason = measured ? "slower" : "not measured";
  if (stood_in != settled.stood_in.end()) row.reason += "; " + stood_in->second;
  return row;
}

std::vector<EngineChoice> Endpoint::explain() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::vector<EngineChoice> rows;
  std::set<const Candidate*> explained;
  for (const auto& [kind, settled] : settled_) {
    for (const auto& candidate : contest_.candidates) {
      const bool takes_part = candidate->reserve().empty() ||
                              settled.stood_in.count(candidate.get()) != 0 ||
                              candidate.get() == settled.choice.ranking.front();
      if (!takes_part) continue;
      rows.push_back(rowOf(settled, *candidate));
      rows.back().sizes = kind.substr(std::min(kind.find(':'), kind.size() - 1) + 1);
      explained.insert(candidate.get());
    }
  }
  std::stable_sort(rows.begin(), rows.end(),
                   [](const EngineChoice& a, const EngineChoice& b) { return a.batch < b.batch; });
  for (const auto& candidate : contest_.candidates) {
    if (candidate->reserve().empty() || explained.count(candidate.get()) != 0) continue;
    rows.push_back(runtime::rowOf(candidate->artifact()));
    rows.back().reason = candidate->refusal().empty() ? candidate->reserve() : candidate->refusal();
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
