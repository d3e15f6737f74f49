// Lends sessions of one model and signature: each to one caller at a time.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include "engines/engine.hpp"

namespace aios::runtime {

class SessionPool {
 public:
  // Makes at most `capacity` sessions, each when it is first needed.
  SessionPool(std::shared_ptr<const engines::Model> model, Signature signature,
              std::size_t capacity);

  // Gives the session back when it goes out of scope; may not outlive the pool.
  class Lease {
   public:
    Lease(SessionPool& pool, std::unique_ptr<engines::Session> session)
        : pool_(pool), session_(std::move(session)) {}
    ~Lease() { pool_.giveBack(std::move(session_)); }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    engines::Session* operator->() const { return session_.get(); }

   private:
    SessionPool& pool_;
    std::unique_ptr<engines::Session> session_;
  };

  // Blocks while all sessions are busy. Throws what the engine throws for a new session.
  Lease acquire();

  const Signature& signature() const noexcept { return signature_; }

 private:
  std::unique_ptr<engines::Session> take();
  void giveBack(std::unique_ptr<engines::Session> session);

  const std::shared_ptr<const engines::Model> model_;
  const Signature signature_;
  const std::size_t capacity_;
  std::mutex mutex_;
  std::condition_variable given_back_;
  std::vector<std::unique_ptr<engines::Session>> free_;
  std::size_t made_ = 0;
  std::size_t waiting_ = 0;
};

}  // namespace aios::runtime
