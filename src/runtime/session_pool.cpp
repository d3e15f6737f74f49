#include "runtime/session_pool.hpp"

#include <utility>

namespace aios::runtime {

SessionPool::SessionPool(std::shared_ptr<const engines::Model> model, Signature signature,
                         std::size_t capacity)
    : model_(std::move(model)), signature_(std::move(signature)), capacity_(capacity) {
  free_.reserve(capacity);
}

SessionPool::Lease SessionPool::acquire() { return {*this, take()}; }

std::unique_ptr<engines::Session> SessionPool::take() {
  std::unique_lock<std::mutex> lock(mutex_);
  if (free_.empty() && made_ < capacity_) {
    ++made_;
    lock.unlock();
    try {
      return model_->newSession(signature_);
    } catch (...) {
      lock.lock();
      --made_;
      given_back_.notify_one();
      throw;
    }
  }
  while (free_.empty()) {
    ++waiting_;
    given_back_.wait(lock);
    --waiting_;
    if (free_.empty() && made_ < capacity_) {
      lock.unlock();
      return take();
    }
  }
  std::unique_ptr<engines::Session> session = std::move(free_.back());
  free_.pop_back();
  return session;
}

void SessionPool::giveBack(std::unique_ptr<engines::Session> session) {
  const std::lock_guard<std::mutex> lock(mutex_);
  free_.push_back(std::move(session));
  if (waiting_ != 0) given_back_.notify_one();
}

}  // namespace aios::runtime
