// A convolution and the 2×2 pool of stride 2 after it in one pass: y = pool(Epilogue(conv(x) +
// bias)).
//
// The four convolution outputs under a pooled one are neighbours in the same register tile, so the
// full-size tensor never exists, and outputs that the pool would drop are not computed. Weights
// come from `packing.pack_pooled_conv2d`. Output: [Batch, OutHeight / 2, OutWidth / 2, Filters].
#pragma once

#include <type_traits>
#include <utility>

#include "aios/kernels/conv.hpp"

namespace aios::kernels {

enum class Pool { kMax, kAverage };

// With few filters, both columns under a pooled output share one vector (the packing agrees).
constexpr int pooledConvPixels(int filters, int kernel_w, int stride_w, int dilation_w) {
  return dilation_w == 1 && 2 * filters <= kLanes && stride_w < kernel_w ? 2 : 1;
}

// A ConvShape whose outputs go in pairs.
template <class S>
struct PooledShape : S {
  static constexpr int kPixels =
      pooledConvPixels(S::kFilters, S::kKernelW, S::kStrideW, S::kDilationW);
  static constexpr int kPooledHeight = S::kOutHeight / 2;
  static constexpr int kPooledWidth = S::kOutWidth / 2;
  static_assert(kPooledHeight >= 1 && kPooledWidth >= 1, "nothing is left to pool");
};

template <class S>
inline constexpr std::size_t kPooledConvPackedFloats = kConvPackedFloats<PooledShape<S>>;

namespace detail {

template <int Shift, int... Lane>
AIOS_KERNEL Vec rotate(Vec v, std::integer_sequence<int, Lane...>) {
  return __builtin_shufflevector(v, v, ((Lane + Shift) % kLanes)...);
}

template <Pool kPool>
AIOS_KERNEL Vec combine(Vec a, Vec b) {
  if constexpr (kPool == Pool::kMax) return max(a, b);
  return a + b;
}

// Pooled outputs in a tile: as many as leave room for the weights.
template <class S, int Vectors>
struct PooledTiling {
  static constexpr int kPerOutput = (S::kPixels == 2 ? 2 : 4) * Vectors;
  static constexpr int kRoom = kRegisters == 32 ? 24 - Vectors * 2 : 12;
  static constexpr int kMost = kRoom / kPerOutput > 0 ? kRoom / kPerOutput : 1;
  static constexpr int kPieces = (S::kPooledWidth + kMost - 1) / kMost;
  static constexpr int kShort = S::kPooledWidth / kPieces;
  static constexpr int kTall = S::kPooledWidth % kPieces;
};

template <class S, int Outputs, int Vectors, int LastLanes, class Epilogue, Pool kPool>
AIOS_KERNEL void pooledConvTile(const float* __restrict in, const float* __restrict panel,
                                float* out) {
  constexpr int kAcross = Outputs * 2 / S::kPixels;  // tile rows in a convolution row
  constexpr bool kPoolFirst = kPool == Pool::kMax && kMonotonic<Epilogue>;
  using Before = std::conditional_t<kPoolFirst, Identity, Epilogue>;
  using After = std::conditional_t<kPoolFirst, Epilogue, Identity>;
  Accumulators<2 * kAcross, Vectors> acc;
  startFromBias(acc, panel);
  multiplyPanel<2 * kAcross, Vectors, ConvWalk<S, kAcross>>(acc, in, panel);
  AIOS_UNROLL
  for (int o = 0; o < Outputs; ++o) {
    AIOS_UNROLL
    for (int v = 0; v < Vectors; ++v) {
      const int left = o * 2 / S::kPixels;
      Vec pooled =
          combine<kPool>(Before::apply(acc.v[left][v]), Before::apply(acc.v[left + kAcross][v]));
      if constexpr (S::kPixels == 2) {
        pooled = combine<kPool>(
            pooled, rotate<S::kFilters>(pooled, std::make_integer_sequence<int, kLanes>()));
      } else {
        pooled =
            combine<kPool>(pooled, combine<kPool>(Before::apply(acc.v[left + 1][v]),
                                                  Before::apply(acc.v[left + 1 + kAcross][v])));
      }
      if constexpr (kPool == Pool::kAverage) pooled = pooled * splat(0.25f);
      float* to = out + o * S::kFilters + v * kLanes;
      if (v + 1 < Vectors) {
        store(to, After::apply(pooled));
      } else {
        storePartial<LastLanes>(to, After::apply(pooled));
      }
    }
  }
}

template <class S, int Vectors, int LastLanes, class Epilogue, Pool kPool>
AIOS_KERNEL void pooledConvRow(const float* __restrict in, const float* __restrict panel,
                               float* out) {
  using T = PooledTiling<S, Vectors>;
  constexpr int kIn = 2 * S::kStrideW * S::kChannels;
  int column = 0;
  if constexpr (T::kTall > 0) {
    for (; column < T::kTall * (T::kShort + 1); column += T::kShort + 1)
      pooledConvTile<S, T::kShort + 1, Vectors, LastLanes, Epilogue, kPool>(
          in + column * kIn, panel, out + column * S::kFilters);
  }
  for (; column < S::kPooledWidth; column += T::kShort)
    pooledConvTile<S, T::kShort, Vectors, LastLanes, Epilogue, kPool>(in + column * kIn, panel,
                                                                      out + column * S::kFilters);
}

template <class S, int Vectors, int LastLanes, class Epilogue, Pool kPool>
AIOS_KERNEL_NOINLINE void pooledConvPanel(const float* __restrict in, const float* __restrict panel,
                                          float* out, int begin, int end) noexcept {
  constexpr int kImage = S::kPaddedH * S::kPaddedW * S::kChannels;
  constexpr int kInRow = 2 * S::kStrideH * S::kPaddedW * S::kChannels;
  constexpr int kOutRow = S::kPooledWidth * S::kFilters;
  for (int at = begin; at < end; ++at) {
    const float* from = in + static_cast<std::size_t>(at / S::kPooledHeight) * kImage +
                        at % S::kPooledHeight * kInRow;
    pooledConvRow<S, Vectors, LastLanes, Epilogue, kPool>(
        from, panel, out + static_cast<std::size_t>(at) * kOutRow);
  }
}

}  // namespace detail

// Independent pieces for `pooledConv2dRange`: pooled rows of all images.
template <class S>
inline constexpr int kPooledConvTasks = S::kBatch * (S::kOutHeight / 2);

// Pooled rows [begin, end). `in` is x, or what padInput wrote when S::kPadded.
template <class Shape, class Epilogue = Identity, Pool kPool = Pool::kMax>
AIOS_KERNEL_NOINLINE void pooledConv2dRange(const float* __restrict in,
                                            const float* __restrict packed, float* y, int begin,
                                            int end) noexcept {
  using S = PooledShape<Shape>;
  constexpr int kWidth = kPanelVectors * kLanes;
  constexpr int kVectors = vectorsFor(S::kFilters * S::kPixels);
  constexpr int kFullPanels = (kVectors - 1) / kPanelVectors;
  constexpr int kRest = kVectors - kFullPanels * kPanelVectors;
  constexpr int kLastLanes = S::kFilters - (vectorsFor(S::kFilters) - 1) * kLanes;
  constexpr int kDepth =
      S::kKernelH * (S::kKernelW + (S::kPixels - 1) * S::kStrideW) * S::kChannels;
  for (int panel = 0; panel < kFullPanels; ++panel) {
    detail::pooledConvPanel<S, kPanelVectors, kLanes, Epilogue, kPool>(in, packed, y, begin, end);
    packed += panelFloats(kDepth);
    y += kWidth;
  }
  detail::pooledConvPanel<S, kRest, kLastLanes, Epilogue, kPool>(in, packed, y, begin, end);
}

// The whole layer; scratch holds kConvScratch<S> floats.
template <class S, class Epilogue = Identity, Pool kPool = Pool::kMax>
inline void pooledConv2d(const float* __restrict x, const float* __restrict packed, float* y,
                         float* __restrict scratch) noexcept {
  if constexpr (S::kPadded) padInput<S>(x, scratch);
  pooledConv2dRange<S, Epilogue, kPool>(S::kPadded ? scratch : x, packed, y, 0,
                                        kPooledConvTasks<S>);
}

}  // namespace aios::kernels
