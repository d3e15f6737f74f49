// Copies of a champion's calls for a challenger, and how its answers compare. The calls don't wait.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <thread>
#include <vector>

#include "aios/tensor.hpp"
#include "bundle/manifest.hpp"
#include "runtime/loaded_model.hpp"
#include "server/bounded_queue.hpp"
#include "server/metrics.hpp"
#include "server/turns.hpp"

namespace aios::server {

// What the challenger did with the copies.
struct ShadowTotals {
  uint64_t compared = 0;    // calls
  uint64_t agreed = 0;      // those whose outputs are all within the tolerance
  uint64_t dropped = 0;     // copies that there was no room for
  uint64_t failed = 0;      // calls that the challenger couldn't answer, or in another shape
  uint64_t classified = 0;  // rows of class scores
  uint64_t same_class = 0;  // those whose largest score is of the champion's class
  double worst = 0;         // largest difference, in tolerances; infinity for another shape
  std::string reason;       // of the last that failed
  // By kLatencyBoundsUs, of the calls that were compared.
  std::array<uint64_t, kLatencyBuckets> champion_us{};
  std::array<uint64_t, kLatencyBuckets> challenger_us{};
};

// Safe from any thread. In a forked child it may only be destroyed.
class Shadow {
 public:
  // `share` of the champion's calls are copied. Starts a thread of low priority.
  Shadow(std::shared_ptr<runtime::LoadedModel> champion,
         std::shared_ptr<runtime::LoadedModel> challenger, double share,
         const bundle::Tolerance& tolerance);
  // What still waits is forgotten.
  ~Shadow();
  Shadow(const Shadow&) = delete;
  Shadow& operator=(const Shadow&) = delete;

  // Copies a call that the champion has answered, if it is its turn and there is room.
  // `endpoint` is the champion's.
  void offer(const runtime::Endpoint& endpoint, Span<const TensorView> inputs,
             Span<const TensorView> outputs, int64_t batch) noexcept;
  ShadowTotals totals() const;

 private:
  struct Copy {
    const runtime::Endpoint* endpoint = nullptr;
    std::vector<Tensor> inputs;
    std::vector<Tensor> outputs;
    double champion_us = 0;
    std::size_t bytes = 0;
  };

  void work();
  void compare(const Copy& copy);
  void drop() noexcept;

  const int fork_generation_;
  const std::shared_ptr<runtime::LoadedModel> champion_;
  const std::shared_ptr<runtime::LoadedModel> challenger_;
  const bundle::Tolerance tolerance_;
  const Turns turns_;
  BoundedQueue<Copy> queue_;
  std::atomic<std::size_t> waiting_bytes_ = 0;
  std::atomic<bool> stopping_ = false;
  mutable std::mutex mutex_;
  ShadowTotals totals_;
  std::thread thread_;
};

// Where a served model's calls are copied from; nothing is, until it is given a shadow.
class ShadowTap {
 public:
  bool isOn() const noexcept { return on_.load(std::memory_order_acquire); }
  // Null for none.
  void set(std::shared_ptr<Shadow> shadow);
  // As Shadow::offer; it never ends a shadow.
  void offer(const runtime::Endpoint& endpoint, Span<const TensorView> inputs,
             Span<const TensorView> outputs, int64_t batch) noexcept;

 private:
  std::atomic<bool> on_ = false;
  std::shared_mutex mutex_;
  std::shared_ptr<Shadow> shadow_;
};

}  // namespace aios::server
