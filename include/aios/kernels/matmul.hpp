// Products of matrices that are both activations: y[b] = Epilogue(a[b] · w[b]) for each of a batch.
//
// The right-hand side is laid out in panels in scratch, as `pack_dense` would do for constants, and
// then goes through the same register tile. Rows of a, w and y may be further apart than they are
// long, so heads of an attention are read and written in place.
#pragma once

#include <type_traits>

#include "aios/kernels/dense.hpp"
#include "aios/kernels/transpose_block.hpp"

namespace aios::kernels {

namespace detail {

// Packs a [K, N] matrix with rows `Stride` apart; bias rows are zero.
template <int K, int N, int Stride>
AIOS_KERNEL void packMatrix(const float* __restrict w, float* __restrict packed) {
  constexpr int kVectors = vectorsFor(N);
  constexpr int kLast = N - (kVectors - 1) * kLanes;
  for (int v = 0; v < kVectors; ++v) {
    const auto [offset, width] = packedVector(K, kVectors, v);
    float* to = packed + offset;
    store(to, Vec{});
    const float* from = w + v * kLanes;
    if (v + 1 < kVectors) {
      for (int k = 0; k < K; ++k) store(to + (k + 1) * width, load(from + k * Stride));
    } else {
      for (int k = 0; k < K; ++k)
        store(to + (k + 1) * width, loadPartial<kLast>(from + k * Stride));
    }
  }
}

// Packs the transpose of an [N, K] matrix with rows `Stride` apart, one square at a time.
template <int K, int N, int Stride, int Columns>
AIOS_KERNEL void packTransposedStrip(const float* __restrict w, float* __restrict to, int width) {
  constexpr int kWhole = K / kLanes * kLanes;
  for (int k = 0; k < kWhole; k += kLanes)
    transposePiece<Columns, kLanes>(w + k, Stride, to + k * width, width);
  if constexpr (kWhole < K)
    transposePiece<Columns, K - kWhole>(w + kWhole, Stride, to + kWhole * width, width);
}
template <int K, int N, int Stride>
AIOS_KERNEL void packTransposed(const float* __restrict w, float* __restrict packed) {
  constexpr int kVectors = vectorsFor(N);
  constexpr int kLast = N - (kVectors - 1) * kLanes;
  for (int v = 0; v < kVectors; ++v) {
    const auto [offset, width] = packedVector(K, kVectors, v);
    float* to = packed + offset;
    store(to, Vec{});
    if (v + 1 < kVectors) {
      packTransposedStrip<K, N, Stride, kLanes>(w + v * kLanes * Stride, to + width, width);
    } else {
      packTransposedStrip<K, N, Stride, kLast>(w + v * kLanes * Stride, to + width, width);
    }
  }
}

// y = Epilogue(a · packed), rows of a and y AStride and YStride apart.
template <int M, int K, int N, int AStride, int YStride, class Epilogue = Identity,
          bool Stream = false>
AIOS_KERNEL void stridedProduct(const float* __restrict a, const float* __restrict packed,
                                float* __restrict y) {
  constexpr int kWidth = kPanelVectors * kLanes;
  constexpr int kFull = (N - 1) / kWidth;
  constexpr int kRest = vectorsFor(N) - kFull * kPanelVectors;
  constexpr int kLastLanes = N - (vectorsFor(N) - 1) * kLanes;
  for (int panel = 0; panel < kFull; ++panel)
    multiplyRows<M, kPanelVectors, K, AStride, YStride, kLanes, Epilogue, Residual::kNone, Stream>(
        a, packed + panel * panelFloats(K), y + panel * kWidth, y);
  multiplyRows<M, kRest, K, AStride, YStride, kLastLanes, Epilogue, Residual::kNone, Stream>(
      a, packed + kFull * panelFloats(K), y + kFull * kWidth, y);
}

}  // namespace detail

// a is [Batch, M, K] ([Batch, K, M] when TransposeA), w is [Batch, K, N] ([Batch, N, K] when
// TransposeB); RepeatA or RepeatB: one matrix serves the whole batch. y is [Batch, M, N].
template <int Batch, int M, int K, int N, bool TransposeA = false, bool TransposeB = false,
          bool RepeatA = false, bool RepeatB = false>
struct MatmulShape {
  static constexpr int kBatch = Batch, kM = M, kK = K, kN = N;
  static constexpr bool kTransposeA = TransposeA, kTransposeB = TransposeB;
  static constexpr bool kRepeatA = RepeatA, kRepeatB = RepeatB;
};

// Floats of scratch (aligned to 64 bytes): the packed right-hand side, and a transposed left one.
template <class S>
inline constexpr std::size_t kMatmulScratch =
    packedFloats(S::kK, S::kN) +
    (S::kTransposeA ? static_cast<std::size_t>(S::kK) * padToLanes(S::kM) +
                          static_cast<std::size_t>(padToLanes(S::kM)) * padToLanes(S::kK)
                    : 0);

namespace detail {

// to[m][k] = from[k][m], rows of `to` padToLanes(K) apart.
template <int M, int K>
AIOS_KERNEL void transposeLeft(const float* __restrict from, float* __restrict to) {
  constexpr int kStride = padToLanes(K);
  const auto strip = [&](auto columns, int m) __attribute__((always_inline, nothrow)) {
    constexpr int kColumns = decltype(columns)::value;
    constexpr int kWhole = K / kLanes * kLanes;
    for (int k = 0; k < kWhole; k += kLanes)
      transposePiece<kLanes, kColumns>(from + k * M + m, M, to + m * kStride + k, kStride);
    if constexpr (kWhole < K)
      transposePiece<K - kWhole, kColumns>(from + kWhole * M + m, M, to + m * kStride + kWhole,
                                           kStride);
  };
  constexpr int kWhole = M / kLanes * kLanes;
  for (int m = 0; m < kWhole; m += kLanes) strip(std::integral_constant<int, kLanes>(), m);
  if constexpr (kWhole < M) strip(std::integral_constant<int, M - kWhole>(), kWhole);
}

}  // namespace detail

// Products [begin, end) of the batch.
template <class S, class Epilogue = Identity>
AIOS_KERNEL_NOINLINE void batchMatmulRange(const float* __restrict a, const float* __restrict w,
                                           float* __restrict y, float* __restrict scratch,
                                           int begin, int end) noexcept {
  constexpr int kM = S::kM, kK = S::kK, kN = S::kN;
  float* left = scratch + packedFloats(kK, kN);
  for (int b = begin; b < end; ++b) {
    const float* right = w + (S::kRepeatB ? 0 : static_cast<std::size_t>(b) * kK * kN);
    if (!S::kRepeatB || b == begin) {
      if constexpr (S::kTransposeB) {
        detail::packTransposed<kK, kN, kK>(right, scratch);
      } else {
        detail::packMatrix<kK, kN, kN>(right, scratch);
      }
    }
    const float* from = a + (S::kRepeatA ? 0 : static_cast<std::size_t>(b) * kM * kK);
    float* to = y + static_cast<std::size_t>(b) * kM * kN;
    if constexpr (S::kTransposeA) {
      if (!S::kRepeatA || b == begin) detail::transposeLeft<kM, kK>(from, left);
      detail::stridedProduct<kM, kK, kN, padToLanes(kK), kN, Epilogue>(left, scratch, to);
    } else {
      detail::stridedProduct<kM, kK, kN, kK, kN, Epilogue>(from, scratch, to);
    }
  }
}

template <class S, class Epilogue = Identity>
inline void batchMatmul(const float* __restrict a, const float* __restrict w, float* __restrict y,
                        float* __restrict scratch) noexcept {
  batchMatmulRange<S, Epilogue>(a, w, y, scratch, 0, S::kBatch);
}

}  // namespace aios::kernels
