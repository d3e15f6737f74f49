// Which engine answers inputs of exactly these shapes, remembered for calls to come.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "aios/tensor.hpp"

namespace aios::runtime {

class Runner;

// A number for the shapes of these tensors; equal shapes have equal numbers.
inline uint64_t fingerprintOf(Span<const TensorView> tensors) noexcept {
  constexpr uint64_t kPrime = 0x9E3779B97F4A7C15;
  uint64_t fingerprint = kPrime;
  for (const TensorView& tensor : tensors) {
    for (const int64_t size : tensor.shape()) {
      fingerprint = (fingerprint ^ static_cast<uint64_t>(size)) * kPrime;
      fingerprint ^= fingerprint >> 29;
    }
  }
  return fingerprint;
}

// Of a fixed size: a shape may push out another. Takes no lock, so a reader may for a moment get
// the engine of another shape, which does no harm: any engine of the model answers right, or
// refuses.
class ShapeRoutes {
 public:
  explicit ShapeRoutes(std::size_t size) : slots_(size) {}

  // Null if the shapes aren't known.
  Runner* find(uint64_t fingerprint) const noexcept {
    const Slot& slot = slots_[fingerprint % slots_.size()];
    if (slot.fingerprint.load(std::memory_order_acquire) != fingerprint) return nullptr;
    return slot.runner.load(std::memory_order_acquire);
  }
  void remember(uint64_t fingerprint, Runner& runner) noexcept {
    Slot& slot = slots_[fingerprint % slots_.size()];
    slot.runner.store(&runner, std::memory_order_release);
    slot.fingerprint.store(fingerprint, std::memory_order_release);
  }

 private:
  struct Slot {
    std::atomic<uint64_t> fingerprint = 0;
    std::atomic<Runner*> runner = nullptr;
  };
  std::vector<Slot> slots_;
};

}  // namespace aios::runtime
