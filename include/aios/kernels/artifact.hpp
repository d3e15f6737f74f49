// What an emitted model needs around its kernel calls: memory, the features of the target, and
// `run`.
//
// `compose` cuts a batch into the specialised sizes, largest first. Tensors without a batch
// dimension appear only in models that have a single, fixed batch size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "aios/compiled_model.h"

#define AIOS_COMPILED_EXPORT extern "C" __attribute__((visibility("default")))

namespace aios::kernels {

// The element of type T at a byte offset from `base`.
template <class T>
inline T* at(void* base, std::ptrdiff_t bytes) noexcept {
  return reinterpret_cast<T*>(static_cast<char*>(base) + bytes);
}
template <class T>
inline const T* at(const void* base, std::ptrdiff_t bytes) noexcept {
  return reinterpret_cast<const T*>(static_cast<const char*>(base) + bytes);
}

struct Weights {
  const void* base;
  template <class T>
  const T* at(std::ptrdiff_t bytes) const noexcept {
    return static_cast<const T*>(
        __builtin_assume_aligned(static_cast<const char*>(base) + bytes, sizeof(T)));
  }
};

struct Arena {
  void* base;
  template <class T>
  T* at(std::ptrdiff_t bytes) const noexcept {
    return reinterpret_cast<T*>(static_cast<char*>(base) + bytes);
  }
};

// What the compiler was allowed to use for this file, by its own macros.
constexpr std::uint64_t kCpuFeatures = 0
#ifdef __SSE3__
                                       | AIOS_CPU_SSE3
#endif
#ifdef __SSSE3__
                                       | AIOS_CPU_SSSE3
#endif
#ifdef __SSE4_1__
                                       | AIOS_CPU_SSE4_1
#endif
#ifdef __SSE4_2__
                                       | AIOS_CPU_SSE4_2
#endif
#ifdef __POPCNT__
                                       | AIOS_CPU_POPCNT
#endif
#ifdef __MOVBE__
                                       | AIOS_CPU_MOVBE
#endif
#ifdef __AVX__
                                       | AIOS_CPU_AVX
#endif
#ifdef __F16C__
                                       | AIOS_CPU_F16C
#endif
#ifdef __FMA__
                                       | AIOS_CPU_FMA
#endif
#ifdef __AVX2__
                                       | AIOS_CPU_AVX2
#endif
#ifdef __BMI__
                                       | AIOS_CPU_BMI1
#endif
#ifdef __BMI2__
                                       | AIOS_CPU_BMI2
#endif
#ifdef __LZCNT__
                                       | AIOS_CPU_LZCNT
#endif
#ifdef __AVX512F__
                                       | AIOS_CPU_AVX512F
#endif
#ifdef __AVX512DQ__
                                       | AIOS_CPU_AVX512DQ
#endif
#ifdef __AVX512BW__
                                       | AIOS_CPU_AVX512BW
#endif
#ifdef __AVX512VL__
                                       | AIOS_CPU_AVX512VL
#endif
#ifdef __AVX512CD__
                                       | AIOS_CPU_AVX512CD
#endif
#ifdef __AVX512IFMA__
                                       | AIOS_CPU_AVX512IFMA
#endif
#ifdef __AVX512VBMI__
                                       | AIOS_CPU_AVX512VBMI
#endif
#ifdef __AVX512VBMI2__
                                       | AIOS_CPU_AVX512VBMI2
#endif
#ifdef __AVX512VNNI__
                                       | AIOS_CPU_AVX512VNNI
#endif
#ifdef __AVX512BITALG__
                                       | AIOS_CPU_AVX512BITALG
#endif
#ifdef __AVX512VPOPCNTDQ__
                                       | AIOS_CPU_AVX512VPOPCNTDQ
#endif
#ifdef __AVX512BF16__
                                       | AIOS_CPU_AVX512BF16
#endif
#ifdef __AVX512FP16__
                                       | AIOS_CPU_AVX512FP16
#endif
#ifdef __AVX512VP2INTERSECT__
                                       | AIOS_CPU_AVX512VP2INTERSECT
#endif
#ifdef __AVXVNNI__
                                       | AIOS_CPU_AVXVNNI
#endif
#ifdef __GFNI__
                                       | AIOS_CPU_GFNI
#endif
#ifdef __VAES__
                                       | AIOS_CPU_VAES
#endif
#ifdef __VPCLMULQDQ__
                                       | AIOS_CPU_VPCLMULQDQ
#endif
#ifdef __ADX__
                                       | AIOS_CPU_ADX
#endif
#ifdef __ARM_NEON
                                       | AIOS_CPU_NEON
#endif
    ;

// The host's threads, for one call that they share.
class Lanes {
 public:
  Lanes(const aios_compiled_parallel* parallel, void* workspace,
        std::int64_t workspace_bytes) noexcept
      : parallel_(parallel), workspace_(workspace), workspace_bytes_(workspace_bytes) {}

  Arena arena(std::uint32_t lane) const noexcept {
    return Arena{static_cast<char*>(workspace_) + lane * workspace_bytes_};
  }

  // Calls piece(begin, end, arena of its thread) so that [0, tasks) is covered.
  template <class Piece>
  void share(int tasks, const Piece& piece) const noexcept {
    const int lanes = static_cast<int>(parallel_->lanes);
    const int chunks = tasks < lanes ? tasks : lanes;
    if (chunks <= 1) {
      piece(0, tasks, arena(0));
      return;
    }
    const Work<Piece> work = {this, &piece, tasks, chunks};
    parallel_->run(parallel_->context, static_cast<std::uint32_t>(chunks), &Work<Piece>::task,
                   const_cast<Work<Piece>*>(&work));
  }

 private:
  template <class Piece>
  struct Work {
    const Lanes* lanes;
    const Piece* piece;
    std::int64_t tasks;
    std::int64_t chunks;
    static void task(void* argument, std::uint32_t index, std::uint32_t lane) {
      const auto& work = *static_cast<const Work*>(argument);
      const auto begin = static_cast<int>(work.tasks * index / work.chunks);
      const auto end = static_cast<int>(work.tasks * (index + 1) / work.chunks);
      (*work.piece)(begin, end, work.lanes->arena(lane));
    }
  };

  const aios_compiled_parallel* parallel_;
  void* workspace_;
  std::int64_t workspace_bytes_;
};

// A function that computes samples [first, first + count) of the caller's tensors.
using RunSamples = void (*)(const void* const* inputs, void* const* outputs, std::int64_t first,
                            std::int64_t count, Weights weights, Arena arena) noexcept;

// Copies `count` samples of `Elements` each, and repeats them until they are `Size` samples.
template <std::int64_t Size, std::int64_t Elements, class T>
inline void fillBatch(const T* x, std::int64_t count, T* y) noexcept {
  for (std::int64_t i = 0; i < Size; ++i)
    std::memcpy(y + i * Elements, x + (i % count) * Elements, Elements * sizeof(T));
}

// Copies the first `count` samples of `Elements` each.
template <std::int64_t Elements, class T>
inline void takeSamples(const T* x, std::int64_t count, T* y) noexcept {
  std::memcpy(y, x, count * Elements * sizeof(T));
}

// One call's samples, cut into pieces of `piece` for the host's threads.
template <RunSamples Function, std::int64_t WorkspaceBytes>
class SharedCall {
 public:
  SharedCall(const void* const* inputs, void* const* outputs, std::int64_t batch,
             std::int64_t piece, const void* weights, void* workspace) noexcept
      : inputs_(inputs),
        outputs_(outputs),
        batch_(batch),
        piece_(piece),
        weights_(weights),
        workspace_(workspace) {}

  void run(const aios_compiled_parallel& parallel) noexcept {
    const auto count = static_cast<std::uint32_t>((batch_ + piece_ - 1) / piece_);
    parallel.run(parallel.context, count, &task, this);
  }

 private:
  static void task(void* argument, std::uint32_t index, std::uint32_t lane) {
    const auto& call = *static_cast<const SharedCall*>(argument);
    const std::int64_t first = index * call.piece_;
    const std::int64_t left = call.batch_ - first;
    char* arena = static_cast<char*>(call.workspace_) + lane * WorkspaceBytes;
    Function(call.inputs_, call.outputs_, first, left < call.piece_ ? left : call.piece_,
             Weights{call.weights_}, Arena{arena});
  }

  const void* const* inputs_;
  void* const* outputs_;
  std::int64_t batch_;
  std::int64_t piece_;
  const void* weights_;
  void* workspace_;
};

// Runs a batch that may be cut anywhere; with the host's threads when each gets at least `MinPiece`
// samples, in pieces that are multiples of `Granule`.
template <RunSamples Function, std::int64_t WorkspaceBytes, std::int64_t Granule,
          std::int64_t MinPiece>
inline std::int32_t runBatch(const void* const* inputs, void* const* outputs, std::int64_t batch,
                             const void* weights, void* workspace,
                             const aios_compiled_parallel* parallel) noexcept {
  if (batch < 0) return AIOS_COMPILED_INVALID_ARGUMENT;
  if (parallel != nullptr && parallel->lanes > 1 && batch >= 2 * MinPiece) {
    const std::int64_t lanes = parallel->lanes;
    std::int64_t piece = (batch + lanes - 1) / lanes;
    piece = piece < MinPiece ? MinPiece : piece;
    piece = (piece + Granule - 1) / Granule * Granule;
    SharedCall<Function, WorkspaceBytes>(inputs, outputs, batch, piece, weights, workspace)
        .run(*parallel);
  } else {
    Function(inputs, outputs, 0, batch, Weights{weights}, Arena{workspace});
  }
  return AIOS_COMPILED_OK;
}

}  // namespace aios::kernels
