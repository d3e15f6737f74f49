// The register tile under dense, gemm and convolution: Rows × Vectors accumulators.
//
// out[r][v] = Epilogue(bias[v] + Σ_segments Σ_k a[row(r) + segment(s) + k] * panel[s][k][v])
//
// A panel holds its bias row first, then one row of Vectors * kLanes weights for each k of each
// segment (`aios.compiler.packing.pack_dense` and `pack_conv2d` write them).
#pragma once

#include "aios/kernels/epilogue.hpp"
#include "aios/kernels/vec.hpp"

namespace aios::kernels {

// Column vectors in a full panel of packed weights. The last panel of a matrix may have fewer.
inline constexpr int kPanelVectors = 2;

// Floats of packed weights for a [K, N] matrix: every panel has K + 1 rows.
constexpr std::size_t packedFloats(int k, int n) {
  return static_cast<std::size_t>(k + 1) * static_cast<std::size_t>(padToLanes(n));
}

// Floats of a full panel of them.
constexpr std::size_t panelFloats(int k) {
  return static_cast<std::size_t>(k + 1) * kPanelVectors * kLanes;
}

// One column vector of a packed matrix.
struct PackedVector {
  std::size_t offset;  // of its bias, before its weights
  int stride;          // from one weight to the next
};

// Vector `v` of `vectors` of a packed matrix with `k` rows.
constexpr PackedVector packedVector(int k, int vectors, int v) {
  const int panel = v / kPanelVectors;
  const int left = vectors - panel * kPanelVectors;
  const int width = left < kPanelVectors ? left : kPanelVectors;
  return {panel * panelFloats(k) + static_cast<std::size_t>(v % kPanelVectors * kLanes),
          width * kLanes};
}

// Rows of a full tile with the given number of column vectors, so that the accumulators, one row of
// weights and a broadcast stay in registers.
constexpr int tileRows(int vectors) {
  if (kRegisters == 32) return vectors == 1 ? 14 : vectors == 2 ? 12 : vectors == 3 ? 8 : 6;
  return vectors == 1 ? 10 : vectors == 2 ? 6 : vectors == 3 ? 4 : 3;
}

// How the rows of `a` are found: row r starts at (r / kInner) * kOuterStride + (r % kInner) *
// kStride. Segments: kOuter groups, kOuterStep apart, of kInnerSegments, kInnerStep apart, of
// kDepth floats.
template <int RowsInner, int RowStride, int RowsOuterStride, int Depth, int OuterSegments = 1,
          int OuterStep = 0, int InnerSegments = 1, int InnerStep = 0>
struct Walk {
  static constexpr int kDepth = Depth;
  static constexpr int kOuterSegments = OuterSegments;
  static constexpr int kOuterStep = OuterStep;
  static constexpr int kInnerSegments = InnerSegments;
  static constexpr int kInnerStep = InnerStep;
  static constexpr int kTotal = Depth * OuterSegments * InnerSegments;
  static constexpr int row(int r) {
    return (r / RowsInner) * RowsOuterStride + (r % RowsInner) * RowStride;
  }
};
// Rows of a plain row-major matrix.
template <int Depth, int RowStride = Depth>
using MatrixWalk = Walk<1 << 30, RowStride, 0, Depth>;

template <int Rows, int Vectors>
struct Accumulators {
  Vec v[Rows][Vectors];
};

template <int Rows, int Vectors>
AIOS_KERNEL void startFromBias(Accumulators<Rows, Vectors>& acc, const float* __restrict panel) {
  AIOS_UNROLL
  for (int v = 0; v < Vectors; ++v) {
    const Vec bias = load(panel + v * kLanes);
    AIOS_UNROLL
    for (int r = 0; r < Rows; ++r) acc.v[r][v] = bias;
  }
}

template <int Rows, int Vectors, class W>
AIOS_KERNEL void multiplyStep(Accumulators<Rows, Vectors>& acc, const float* __restrict a,
                              const float* __restrict weights) {
  Vec w[Vectors];
  AIOS_UNROLL
  for (int v = 0; v < Vectors; ++v) w[v] = load(weights + v * kLanes);
  AIOS_UNROLL
  for (int r = 0; r < Rows; ++r) {
    const Vec x = splat(a[W::row(r)]);
    AIOS_UNROLL
    for (int v = 0; v < Vectors; ++v) acc.v[r][v] = acc.v[r][v] + x * w[v];
  }
}

// Floats in a line of the cache.
inline constexpr int kLineFloats = 16;

// Kernel rows of a convolution with up to this many steps of a tile are unrolled as a whole. Clang
// gains by it; GCC reorders such a block until sums no longer fit in registers.
#if defined(__clang__)
inline constexpr int kUnrolledSteps = 96;
#else
inline constexpr int kUnrolledSteps = 0;
#endif

// Accumulates a whole panel; `panel` points at its bias row. AheadLines lines of `ahead` go to the
// second-level cache with every k: weights of the next panel, which come from further away.
template <int Rows, int Vectors, class W, int AheadLines = 0>
AIOS_KERNEL void multiplyPanel(Accumulators<Rows, Vectors>& acc, const float* __restrict a,
                               const float* __restrict panel,
                               [[maybe_unused]] const float* ahead = nullptr) {
  constexpr int kWidth = Vectors * kLanes;
  const float* __restrict weights = panel + kWidth;
#pragma GCC unroll 1
  for (int outer = 0; outer < W::kOuterSegments; ++outer) {
#pragma GCC unroll 1
    for (int inner = 0; inner < W::kInnerSegments; ++inner) {
      const float* __restrict segment = a + outer * W::kOuterStep + inner * W::kInnerStep;
      if constexpr (W::kDepth * Rows * Vectors <= kUnrolledSteps && AheadLines == 0) {
        AIOS_UNROLL
        for (int k = 0; k < W::kDepth; ++k)
          multiplyStep<Rows, Vectors, W>(acc, segment + k, weights + k * kWidth);
      } else {
#pragma GCC unroll 2
        for (int k = 0; k < W::kDepth; ++k) {
          AIOS_UNROLL
          for (int line = 0; line < AheadLines; ++line)
            __builtin_prefetch(ahead + (k * AheadLines + line) * kLineFloats, 0, 2);
          multiplyStep<Rows, Vectors, W>(acc, segment + k, weights + k * kWidth);
        }
      }
      weights += W::kDepth * kWidth;
      if constexpr (AheadLines > 0) ahead += W::kDepth * AheadLines * kLineFloats;
    }
  }
}

// Writes the first Rows rows of a tile, row r at out + r * OutStride; the last vector has LastLanes
// lanes.
template <int Rows, int OutStride, int LastLanes, class Epilogue, Residual kResidual, int Height,
          int Vectors>
AIOS_KERNEL void finishTile(const Accumulators<Height, Vectors>& acc, float* out,
                            const float* residual) {
  AIOS_UNROLL
  for (int r = 0; r < Rows; ++r) {
    AIOS_UNROLL
    for (int v = 0; v < Vectors - 1; ++v)
      finish<kLanes, Epilogue, kResidual>(acc.v[r][v], out + r * OutStride + v * kLanes,
                                          residual + r * OutStride + v * kLanes);
    constexpr int kLast = (Vectors - 1) * kLanes;
    finish<LastLanes, Epilogue, kResidual>(acc.v[r][Vectors - 1], out + r * OutStride + kLast,
                                           residual + r * OutStride + kLast);
  }
}

// Weights of at least this size are worth fetching ahead: they seldom survive in a near cache until
// the next call.
inline constexpr std::size_t kStreamedBytes = 64 * 1024;
template <int K, int N>
inline constexpr bool kStreamed = kLanes >= 8 && packedFloats(K, N) * 4 >= kStreamedBytes;

namespace detail {

template <int Rows, int Vectors, int K, int AStride, int OutStride, int LastLanes, class Epilogue,
          Residual kResidual, int AheadLines>
AIOS_KERNEL void rowTile(const float* __restrict a, const float* __restrict panel, float* out,
                         const float* residual, const float* ahead) {
  Accumulators<Rows, Vectors> acc;
  startFromBias(acc, panel);
  multiplyPanel<Rows, Vectors, MatrixWalk<K, AStride>, AheadLines>(acc, a, panel, ahead);
  finishTile<Rows, OutStride, LastLanes, Epilogue, kResidual>(acc, out, residual);
}

}  // namespace detail

// All M rows of a plain matrix against one panel, in tiles whose heights differ by at most one.
// When Stream is set, the first tiles fetch the panel behind this one.
template <int M, int Vectors, int K, int AStride, int OutStride, int LastLanes, class Epilogue,
          Residual kResidual, bool Stream>
AIOS_KERNEL_NOINLINE void multiplyRows(const float* __restrict a, const float* __restrict panel,
                                       float* out, const float* residual) noexcept {
  constexpr int kMost = tileRows(Vectors);
  constexpr int kTiles = (M + kMost - 1) / kMost;
  constexpr int kShort = M / kTiles;
  constexpr int kTall = M % kTiles;
  constexpr int kLines = Stream ? Vectors * kLanes / kLineFloats : 0;
  // Two tiles fetch, at most: those that are written out below.
  constexpr int kMostLead = kTiles < 2 ? kTiles : 2;
  constexpr int kLead = kLines < kMostLead ? kLines : kMostLead;
  constexpr int kAhead = kLead > 0 ? kLines / kLead : 0;
  const float* next = panel + (K + 1) * Vectors * kLanes;
  std::size_t row = 0;
  if constexpr (kLead >= 1) {
    constexpr int kRows = kTall > 0 ? kShort + 1 : kShort;
    detail::rowTile<kRows, Vectors, K, AStride, OutStride, LastLanes, Epilogue, kResidual, kAhead>(
        a, panel, out, residual, next);
    row += kRows;
  }
  if constexpr (kLead >= 2) {
    constexpr int kRows = kTall > 1 ? kShort + 1 : kShort;
    detail::rowTile<kRows, Vectors, K, AStride, OutStride, LastLanes, Epilogue, kResidual, kAhead>(
        a + row * AStride, panel, out + row * OutStride, residual + row * OutStride,
        next + K * kAhead * kLineFloats);
    row += kRows;
  }
  if constexpr (kTall > kLead) {
    for (; row < static_cast<std::size_t>(kTall) * (kShort + 1); row += kShort + 1)
      detail::rowTile<kShort + 1, Vectors, K, AStride, OutStride, LastLanes, Epilogue, kResidual,
                      0>(a + row * AStride, panel, out + row * OutStride,
                         residual + row * OutStride, nullptr);
  }
  for (; row < M; row += kShort)
    detail::rowTile<kShort, Vectors, K, AStride, OutStride, LastLanes, Epilogue, kResidual, 0>(
        a + row * AStride, panel, out + row * OutStride, residual + row * OutStride, nullptr);
}

}  // namespace aios::kernels
