#include "server/shadow.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>

#include "core/fork.hpp"
#include "runtime/background.hpp"
#include "runtime/comparison.hpp"
#include "server/workers.hpp"

namespace aios::server {
namespace {

constexpr std::size_t kMostCopies = 256;
constexpr std::size_t kMostBytes = std::size_t{64} << 20;

std::size_t bytesOf(Span<const TensorView> tensors) {
  std::size_t bytes = 0;
  for (const TensorView& tensor : tensors) {
    bytes += tensor.bytes();
    const auto* texts = tensor.data<StringRef>();
    for (std::size_t i = 0; texts != nullptr && i < tensor.elements(); ++i) bytes += texts[i].size;
  }
  return bytes;
}

std::vector<Tensor> copiesOf(Span<const TensorView> tensors) {
  std::vector<Tensor> copies;
  copies.reserve(tensors.size());
  for (const TensorView& tensor : tensors) copies.push_back(Tensor::copyOf(tensor));
  return copies;
}

std::vector<TensorView> viewsOf(const std::vector<Tensor>& tensors) {
  std::vector<TensorView> views;
  for (const Tensor& tensor : tensors) views.push_back(tensor.view());
  return views;
}

std::size_t bucketOf(double us) {
  const auto* const bound = std::find_if(kLatencyBoundsUs.begin(), kLatencyBoundsUs.end(),
                                         [us](double each) { return us <= each; });
  return static_cast<std::size_t>(bound - kLatencyBoundsUs.begin());
}

// The place of an output of this name; throws NotFound.
std::size_t outputOf(const Signature& signature, const std::string& name) {
  for (std::size_t i = 0; i < signature.outputs.size(); ++i) {
    if (signature.outputs[i].name == name) return i;
  }
  throw Error(ErrorCode::kNotFound, "the challenger has no output '" + name + "'");
}

}  // namespace

Shadow::Shadow(std::shared_ptr<runtime::LoadedModel> champion,
               std::shared_ptr<runtime::LoadedModel> challenger, double share,
               const bundle::Tolerance& tolerance)
    : fork_generation_(forkGeneration()),
      champion_(std::move(champion)),
      challenger_(std::move(challenger)),
      tolerance_(tolerance),
      turns_(share),
      queue_(kMostCopies),
      thread_(startThread([this] { work(); })) {}

Shadow::~Shadow() {
  if (fork_generation_ != forkGeneration()) {
    // It stayed in the parent.
    thread_.detach();
    return;
  }
  stopping_ = true;
  queue_.close();
  thread_.join();
}

void Shadow::offer(const runtime::Endpoint& endpoint, Span<const TensorView> inputs,
                   Span<const TensorView> outputs, int64_t batch) noexcept {
  if (!turns_.next()) return;
  const std::size_t bytes = bytesOf(inputs) + bytesOf(outputs);
  bool is_taken = false;
  if (waiting_bytes_.fetch_add(bytes) + bytes <= kMostBytes) {
    try {
      is_taken = queue_.push(
          {&endpoint, copiesOf(inputs), copiesOf(outputs), endpoint.expectedUs(batch), bytes});
    } catch (const std::exception&) {
      // There is no memory for a copy.
    }
  }
  if (is_taken) return;
  waiting_bytes_ -= bytes;
  drop();
}

void Shadow::drop() noexcept {
  const std::lock_guard<std::mutex> lock(mutex_);
  ++totals_.dropped;
}

ShadowTotals Shadow::totals() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return totals_;
}

void Shadow::work() {
  runtime::lowerPriority();
  while (std::optional<Copy> copy = queue_.take()) {
    waiting_bytes_ -= copy->bytes;
    if (stopping_) continue;
    try {
      compare(*copy);
    } catch (const std::exception& error) {
      const std::lock_guard<std::mutex> lock(mutex_);
      ++totals_.failed;
      totals_.reason = error.what();
    }
  }
}

void Shadow::compare(const Copy& copy) {
  const Signature& champions = copy.endpoint->signature();
  runtime::Endpoint& endpoint = challenger_->endpoint(champions.name);
  const auto begin = std::chrono::steady_clock::now();
  const std::vector<Tensor> answers = endpoint.infer(viewsOf(copy.inputs));
  const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - begin;
  runtime::Verification found;
  for (std::size_t i = 0; i < champions.outputs.size(); ++i) {
    const std::string& name = champions.outputs[i].name;
    const TensorView& answer = answers[outputOf(endpoint.signature(), name)].view();
    compareTensor(answer, copy.outputs[i].view(), tolerance_, name, 0, found);
    compareClasses(answer, copy.outputs[i].view(), found);
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  ++totals_.compared;
  if (found.worst <= 1) ++totals_.agreed;
  totals_.classified += found.classified;
  totals_.same_class += found.agreed;
  totals_.worst = std::max(totals_.worst, found.worst);
  ++totals_.champion_us[bucketOf(copy.champion_us)];
  ++totals_.challenger_us[bucketOf(took.count())];
}

void ShadowTap::set(std::shared_ptr<Shadow> shadow) {
  {
    const std::lock_guard<std::shared_mutex> lock(mutex_);
    std::swap(shadow_, shadow);
    on_.store(shadow_ != nullptr, std::memory_order_release);
  }
  // What was there before may end here, and its thread with it.
}

void ShadowTap::offer(const runtime::Endpoint& endpoint, Span<const TensorView> inputs,
                      Span<const TensorView> outputs, int64_t batch) noexcept {
  const std::shared_lock<std::shared_mutex> lock(mutex_);
  if (shadow_ != nullptr) shadow_->offer(endpoint, inputs, outputs, batch);
}

}  // namespace aios::server
