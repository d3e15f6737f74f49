// Fully connected layers with at most four outputs: y[M,N] = Epilogue(x[M,K] · wᵀ + bias
// [+ residual]).
//
// Such a layer would leave most lanes of a register tile empty. Here lanes run over the depth, and
// the N sums are folded together at the end. Weights come from `packing.pack_narrow`: the bias in
// one vector, then the N rows of w[N,K], each padded with zeros to whole vectors.
#pragma once

#include "aios/kernels/epilogue.hpp"
#include "aios/kernels/vec.hpp"

namespace aios::kernels {

inline constexpr int kNarrowColumns = 4;

// Floats that `packing.pack_narrow` writes.
constexpr std::size_t narrowPackedFloats(int k, int n) {
  return static_cast<std::size_t>(kLanes) + static_cast<std::size_t>(n) * padToLanes(k);
}

namespace detail {

// Products in flight, so that no addition waits for the one before it.
constexpr int narrowSplit(int vectors, int n) {
  int split = 1;
  while (split * n < 8 && split * 2 <= vectors) split *= 2;
  return split;
}

template <int K, int N, class Epilogue, Residual kResidual>
AIOS_KERNEL void narrowRow(const float* __restrict x, const float* __restrict packed, float* y,
                           const float* residual) {
  constexpr int kVectors = vectorsFor(K), kRow = padToLanes(K);
  constexpr int kLast = K - (kVectors - 1) * kLanes;
  constexpr int kSplit = narrowSplit(kVectors, N);
  Vec acc[kSplit][N] = {};
  const float* weights = packed + kLanes;
  const auto add = [&](Vec(&sums)[N], Vec value, int at) __attribute__((always_inline, nothrow)) {
    AIOS_UNROLL
    for (int n = 0; n < N; ++n) sums[n] = sums[n] + value * load(weights + n * kRow + at);
  };
  constexpr int kWhole = (kVectors - 1) / kSplit * kSplit;
  for (int v = 0; v < kWhole; v += kSplit) {
    AIOS_UNROLL
    for (int s = 0; s < kSplit; ++s) add(acc[s], load(x + (v + s) * kLanes), (v + s) * kLanes);
  }
  AIOS_UNROLL
  for (int v = kWhole; v < kVectors - 1; ++v)
    add(acc[v - kWhole], load(x + v * kLanes), v * kLanes);
  add(acc[kVectors - 1 - kWhole], loadPartial<kLast>(x + (kVectors - 1) * kLanes),
      (kVectors - 1) * kLanes);
  Vec4 sums[kNarrowColumns] = {};
  AIOS_UNROLL
  for (int n = 0; n < N; ++n) {
    Vec sum = acc[0][n];
    AIOS_UNROLL
    for (int s = 1; s < kSplit; ++s) sum = sum + acc[s][n];
    sums[n] = foldToFour(
        sum, [](auto a, auto b) __attribute__((always_inline, nothrow)) { return a + b; });
  }
  finish<N, Epilogue, kResidual>(widen(addAcross(sums)) + load(packed), y, residual);
}

}  // namespace detail

// Without a fused residual, leave the pointer out; `residual` may be y itself.
template <int M, int K, int N, class Epilogue = Identity, Residual kResidual = Residual::kNone>
inline void narrow(const float* __restrict x, const float* __restrict packed, float* y,
                   const float* residual = nullptr) noexcept {
  static_assert(M >= 1 && K >= 1 && N >= 1 && N <= kNarrowColumns, "narrow needs few columns");
  residual = residualOr<kResidual>(residual, y);
  for (int row = 0; row < M; ++row)
    detail::narrowRow<K, N, Epilogue, kResidual>(x + static_cast<std::size_t>(row) * K, packed,
                                                 y + row * N, residual + row * N);
}

}  // namespace aios::kernels
