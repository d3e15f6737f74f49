// Fully connected layers: y[M,N] = Epilogue(x[M,K] · wᵀ + bias [+ residual]).
//
// Weights come from `packing.pack_dense(weights[N,K], bias)`: panels of kPanelVectors vectors of
// columns, each panel a bias row and K rows; padded columns are zero and are never written out.
// x, y and residual may have any alignment and are not touched beyond their ends; x may not overlap
// y, `residual` may be y itself. `packed` is aligned to 64 bytes.
#pragma once

#include "aios/kernels/tile.hpp"

namespace aios::kernels {

namespace detail {

// A matrix-vector product walks up to this many column vectors at once …
inline constexpr int kRowBlockVectors = kRegisters == 32 ? 8 : 4;
// … and keeps this many sums in flight, so that no addition waits for the one before it.
inline constexpr int kRowSums = 8;

// Weights of this size don't stay in a second-level cache. They are read in the order of their
// addresses, one panel at a time: the processor then fetches them ahead better than hints would.
inline constexpr std::size_t kFarBytes = 512 * 1024;
template <int K, int N>
inline constexpr bool kFar = kLanes >= 8 && packedFloats(K, N) * 4 >= kFarBytes;

constexpr int rowBlocks(int vectors) { return (vectors + kRowBlockVectors - 1) / kRowBlockVectors; }
// Whole panels, spread evenly over the blocks.
constexpr int vectorsPerRowBlock(int vectors) {
  const int panels = (vectors + kPanelVectors - 1) / kPanelVectors;
  const int blocks = rowBlocks(vectors);
  return (panels + blocks - 1) / blocks * kPanelVectors;
}

// Offset from a block's first weight to row k (0 is the bias) of its vector v.
template <int K, int Vectors>
constexpr std::size_t blockOffset(int v, int k) {
  const PackedVector vector = packedVector(K, Vectors, v);
  return vector.offset + static_cast<std::size_t>(k * vector.stride);
}

// acc[0] += acc[1] + … + acc[Count - 1], halves first. A recursion, because GCC doesn't unroll a
// loop whose step doubles, and then keeps the sums in memory.
template <int Count, int Split, int Vectors>
AIOS_KERNEL void addSums(Vec (&acc)[Split][Vectors]) {
  if constexpr (Count > 1) {
    constexpr int kHalf = Count / 2;
    AIOS_UNROLL
    for (int s = 0; s < kHalf; ++s) {
      AIOS_UNROLL
      for (int v = 0; v < Vectors; ++v) acc[s][v] = acc[s][v] + acc[s + kHalf][v];
    }
    addSums<kHalf>(acc);
  }
}

// One row of x against Vectors column vectors, with Split independent sums for each of them.
template <int K, int Vectors, int Split, int LastLanes, class Epilogue, Residual kResidual>
AIOS_KERNEL void denseRowBlock(const float* __restrict x, const float* __restrict packed, float* y,
                               const float* residual) {
  Vec acc[Split][Vectors];
  AIOS_UNROLL
  for (int v = 0; v < Vectors; ++v) {
    acc[0][v] = load(packed + blockOffset<K, Vectors>(v, 0));
    AIOS_UNROLL
    for (int s = 1; s < Split; ++s) acc[s][v] = Vec{};
  }
  constexpr int kWhole = K / Split * Split;
#pragma GCC unroll 4
  for (int k = 0; k < kWhole; k += Split) {
    AIOS_UNROLL
    for (int s = 0; s < Split; ++s) {
      const Vec value = splat(x[k + s]);
      AIOS_UNROLL
      for (int v = 0; v < Vectors; ++v)
        acc[s][v] = acc[s][v] + value * load(packed + blockOffset<K, Vectors>(v, k + s + 1));
    }
  }
  AIOS_UNROLL
  for (int s = 0; s < K - kWhole; ++s) {
    const Vec value = splat(x[kWhole + s]);
    AIOS_UNROLL
    for (int v = 0; v < Vectors; ++v)
      acc[s][v] = acc[s][v] + value * load(packed + blockOffset<K, Vectors>(v, kWhole + s + 1));
  }
  addSums<Split>(acc);
  AIOS_UNROLL
  for (int v = 0; v < Vectors - 1; ++v)
    finish<kLanes, Epilogue, kResidual>(acc[0][v], y + v * kLanes, residual + v * kLanes);
  constexpr int kLast = (Vectors - 1) * kLanes;
  finish<LastLanes, Epilogue, kResidual>(acc[0][Vectors - 1], y + kLast, residual + kLast);
}

constexpr int rowSplit(int vectors, int k) {
  int split = 1;
  while (split * vectors < kRowSums && split * 2 <= k) split *= 2;
  return split;
}

template <int K, int N, class Epilogue, Residual kResidual>
AIOS_KERNEL void denseRow(const float* __restrict x, const float* __restrict packed, float* y,
                          const float* residual) {
  constexpr int kTotal = vectorsFor(N);
  constexpr int kPerBlock = kFar<K, N> ? kPanelVectors : vectorsPerRowBlock(kTotal);
  constexpr int kFull = (kTotal - 1) / kPerBlock;
  constexpr int kRest = kTotal - kFull * kPerBlock;
  constexpr int kLastLanes = N - (kTotal - 1) * kLanes;
  for (int block = 0; block < kFull; ++block) {
    denseRowBlock<K, kPerBlock, rowSplit(kPerBlock, K), kLanes, Epilogue, kResidual>(x, packed, y,
                                                                                     residual);
    packed += static_cast<std::size_t>(K + 1) * kPerBlock * kLanes;
    y += kPerBlock * kLanes;
    residual += kPerBlock * kLanes;
  }
  denseRowBlock<K, kRest, rowSplit(kRest, K), kLastLanes, Epilogue, kResidual>(x, packed, y,
                                                                               residual);
}

}  // namespace detail

// Independent pieces of a dense layer for `denseRange`: panels of columns.
template <int N>
inline constexpr int kDenseTasks = (vectorsFor(N) + kPanelVectors - 1) / kPanelVectors;

// Columns of the panels [begin, end) of kDenseTasks<N>, for all rows.
template <int M, int K, int N, class Epilogue = Identity, Residual kResidual = Residual::kNone>
AIOS_KERNEL_NOINLINE void denseRange(const float* __restrict x, const float* __restrict packed,
                                     float* y, const float* residual, int begin, int end) noexcept {
  residual = residualOr<kResidual>(residual, y);
  constexpr int kWidth = kPanelVectors * kLanes;
  constexpr int kFullPanels = (N - 1) / kWidth;
  constexpr int kRest = vectorsFor(N) - kFullPanels * kPanelVectors;
  constexpr int kLastLanes = N - (vectorsFor(N) - 1) * kLanes;
  for (int panel = begin; panel < end; ++panel) {
    const float* weights = packed + panel * panelFloats(K);
    const int column = panel * kWidth;
    if (panel < kFullPanels) {
      multiplyRows<M, kPanelVectors, K, K, N, kLanes, Epilogue, kResidual, kStreamed<K, N>>(
          x, weights, y + column, residual + column);
    } else {
      multiplyRows<M, kRest, K, K, N, kLastLanes, Epilogue, kResidual, kStreamed<K, N>>(
          x, weights, y + column, residual + column);
    }
  }
}

// The whole layer. Without a fused residual, leave the pointer out.
template <int M, int K, int N, class Epilogue = Identity, Residual kResidual = Residual::kNone>
inline void dense(const float* __restrict x, const float* __restrict packed, float* y,
                  const float* residual = nullptr) noexcept {
  static_assert(M >= 1 && K >= 1 && N >= 1, "dense needs positive sizes");
  if constexpr (M == 1) {
    detail::denseRow<K, N, Epilogue, kResidual>(x, packed, y, residualOr<kResidual>(residual, y));
  } else {
    denseRange<M, K, N, Epilogue, kResidual>(x, packed, y, residual, 0, kDenseTasks<N>);
  }
}

}  // namespace aios::kernels
