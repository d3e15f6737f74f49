// Lends sessions of one model and signature: each to one caller at a time.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include "engines/engine.hpp"
#include "runtime/call_stats.hpp"

namespace aios::runtime {

class SessionPool {
 public:
  // A session and what it has done.
  struct Slot {
    std::unique_ptr<engines::Session> session;
    CallStats stats;
    std::atomic<uint64_t> staged_bytes = 0;
  };

  // Makes at most `capacity` sessions, each when it is first needed.
  SessionPool(std::shared_ptr<const engines::Model> model, Signature signature,
              std::size_t capacity);

  // Gives the session back when it goes out of scope; may not outlive the pool.
  class Lease {
   public:
    Lease(SessionPool& pool, Slot* slot) : pool_(pool), slot_(slot) {}
    ~Lease() { pool_.giveBack(slot_); }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    engines::Session* operator->() const { return slot_->session.get(); }
    Slot& slot() const { return *slot_; }

   private:
    SessionPool& pool_;
    Slot* slot_;
  };

  // The same for a caller that keeps its session, which doesn't count towards `capacity`: that is
  // for those who take turns.
  class KeptLease {
   public:
    explicit KeptLease(SessionPool& pool) : pool_(pool), slot_(pool.takeToKeep()) {}
    ~KeptLease() { pool_.giveBackKept(slot_); }
    KeptLease(const KeptLease&) = delete;
    KeptLease& operator=(const KeptLease&) = delete;
    Slot& slot() const { return *slot_; }

   private:
    SessionPool& pool_;
    Slot* slot_;
  };

  // Blocks while all sessions are busy. Throws what the engine throws for a new session.
  Lease acquire() { return {*this, take()}; }

  const Signature& signature() const noexcept { return signature_; }
  // Adds the figures of all sessions, but for what summarizeHistogram() fills in.
  void addTo(SignatureMetrics& metrics, std::array<uint64_t, 128>& histogram) const;

 private:
  Slot* take();
  Slot* takeSlowly();
  Slot* takeToKeep();
  Slot* makeShared();
  Slot* make();
  void giveBack(Slot* slot);
  void giveBackKept(Slot* slot);

  const std::shared_ptr<const engines::Model> model_;
  const Signature signature_;
  const std::size_t capacity_;
  // The session given back last: a single caller takes no lock.
  std::atomic<Slot*> hot_ = nullptr;
  std::atomic<std::size_t> waiting_ = 0;
  mutable std::mutex mutex_;
  std::condition_variable given_back_;
  std::vector<std::unique_ptr<Slot>> slots_;
  std::vector<Slot*> free_;
  // Sessions of those who take turns, free or lent: none that is kept.
  std::size_t shared_ = 0;
};

}  // namespace aios::runtime
