#include "runtime/session_pool.hpp"

#include <utility>

namespace aios::runtime {

SessionPool::SessionPool(std::shared_ptr<const engines::Model> model, Signature signature,
                         std::size_t capacity)
    : model_(std::move(model)), signature_(std::move(signature)), capacity_(capacity) {
  slots_.reserve(capacity);
  free_.reserve(capacity);
}

SessionPool::Slot* SessionPool::take() {
  Slot* slot = hot_.exchange(nullptr);
  return slot != nullptr ? slot : takeSlowly();
}

SessionPool::Slot* SessionPool::takeSlowly() {
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    if (!free_.empty()) {
      Slot* slot = free_.back();
      free_.pop_back();
      return slot;
    }
    if (shared_ < capacity_) {
      ++shared_;
      lock.unlock();
      return makeShared();
    }
    // Announced first, then looked for: whoever gives one back now sees a waiter, or left it there.
    ++waiting_;
    Slot* slot = hot_.exchange(nullptr);
    if (slot == nullptr) given_back_.wait(lock);
    --waiting_;
    if (slot != nullptr) return slot;
  }
}

SessionPool::Slot* SessionPool::takeToKeep() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!free_.empty()) {
      Slot* slot = free_.back();
      free_.pop_back();
      --shared_;
      return slot;
    }
  }
  return make();
}

SessionPool::Slot* SessionPool::makeShared() {
  try {
    return make();
  } catch (...) {
    const std::lock_guard<std::mutex> lock(mutex_);
    --shared_;
    given_back_.notify_one();
    throw;
  }
}

SessionPool::Slot* SessionPool::make() {
  auto slot = std::make_unique<Slot>();
  slot->session = model_->newSession(signature_);
  const std::lock_guard<std::mutex> lock(mutex_);
  slots_.push_back(std::move(slot));
  return slots_.back().get();
}

void SessionPool::giveBack(Slot* slot) {
  Slot* expected = nullptr;
  if (hot_.compare_exchange_strong(expected, slot)) {
    if (waiting_ == 0) return;
    slot = hot_.exchange(nullptr);
    if (slot == nullptr) return;
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  free_.push_back(slot);
  given_back_.notify_one();
}

// It joins those of the callers who take turns, who may so have more than `capacity`: another that
// keeps one takes it from there.
void SessionPool::giveBackKept(Slot* slot) {
  const std::lock_guard<std::mutex> lock(mutex_);
  ++shared_;
  free_.push_back(slot);
  given_back_.notify_one();
}

void SessionPool::addTo(SignatureMetrics& metrics, std::array<uint64_t, 128>& histogram) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  metrics.sessions += slots_.size();
  for (const std::unique_ptr<Slot>& slot : slots_) {
    slot->stats.addTo(metrics, histogram);
    metrics.staged_bytes += slot->staged_bytes.load(std::memory_order_relaxed);
  }
}

}  // namespace aios::runtime
