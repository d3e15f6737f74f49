// 3×3 convolutions of stride 1 by Winograd's F(4×4, 3×3): a quarter of the multiplications.
//
// Each 6×6 square of the input is transformed, the 36 positions become 36 matrix products over all
// squares, and the results are transformed back to 4×4 outputs. The points 0, ±3/4, ±3/2 and
// infinity keep every constant exact and the error seven times smaller than the usual 0, ±1, ±2:
// about 2e-6 of the largest output against 3e-7 for a direct convolution.
//
// Weights come from `packing.pack_winograd`: the panels of 36 [Channels, Filters] matrices, then
// the bias, padded to whole vectors. Squares go through in groups that fit in a second-level cache.
#pragma once

#include "aios/kernels/conv.hpp"
#include "aios/kernels/matmul.hpp"

namespace aios::kernels {

inline constexpr int kWinogradOut = 4, kWinogradPositions = 36;

template <class S>
struct WinogradTiling {
  static_assert(S::kKernelH == 3 && S::kKernelW == 3 && S::kStrideH == 1 && S::kStrideW == 1 &&
                    S::kDilationH == 1 && S::kDilationW == 1,
                "Winograd's method is for 3x3 kernels of stride 1");
  static constexpr int kTilesH = (S::kOutHeight + kWinogradOut - 1) / kWinogradOut;
  static constexpr int kTilesW = (S::kOutWidth + kWinogradOut - 1) / kWinogradOut;
  static constexpr int kTiles = S::kBatch * kTilesH * kTilesW;
  static constexpr int kIn = padToLanes(S::kChannels), kOut = padToLanes(S::kFilters);
  // Squares in a group; where few fit in the cache, enough to pay for streaming the weights again.
  static constexpr int kFitting = 600 * 1024 / (kWinogradPositions * (kIn + kOut) * 4);
  static constexpr int kWanted = kFitting >= 24 ? kFitting : 48;
  static constexpr int kGroups = (kTiles + kWanted - 1) / kWanted;
  static constexpr int kShort = kTiles / kGroups;
  static constexpr int kTall = kTiles % kGroups;  // groups of kShort + 1 come first
  static constexpr int kMost = kTall > 0 ? kShort + 1 : kShort;
  // Between positions; never a power of two, which would crowd a few cache sets.
  static constexpr int kInStep = kMost * kIn + kLanes, kOutStep = kMost * kOut + kLanes;
};

// Whether it is likely to be faster than the direct convolution.
template <class S>
constexpr bool winogradPays() {
  if (S::kKernelH != 3 || S::kKernelW != 3 || S::kStrideH != 1 || S::kStrideW != 1) return false;
  if (S::kDilationH != 1 || S::kDilationW != 1) return false;
  const int tiles = S::kBatch * ((S::kOutHeight + 3) / 4) * ((S::kOutWidth + 3) / 4);
  const double used =
      static_cast<double>(S::kBatch) * S::kOutHeight * S::kOutWidth / (16.0 * tiles);
  return S::kChannels >= 32 && S::kFilters >= 32 && tiles >= 16 && used > 0.5;
}

// Floats of scratch (aligned to 64 bytes).
template <class S>
inline constexpr std::size_t kWinogradScratch =
    static_cast<std::size_t>(kWinogradPositions) *
    (WinogradTiling<S>::kInStep + WinogradTiling<S>::kOutStep + WinogradTiling<S>::kIn);

// Floats that `packing.pack_winograd` writes.
template <class S>
inline constexpr std::size_t kWinogradPackedFloats =
    kWinogradPositions * packedFloats(S::kChannels, S::kFilters) + padToLanes(S::kFilters);

namespace detail {

inline constexpr float kWinogradA = 0.75f, kWinogradB = 1.5f;

// Six inputs of a line to six positions.
AIOS_KERNEL void winogradInputLine(const Vec (&d)[6], Vec (&v)[6]) {
  constexpr float a = kWinogradA, b = kWinogradB, aa = a * a, bb = b * b;
  const Vec even_a = d[4] - splat(bb) * d[2];
  const Vec odd_a = d[3] - splat(bb) * d[1];
  const Vec even_b = d[4] - splat(aa) * d[2];
  const Vec odd_b = d[3] - splat(aa) * d[1];
  v[0] = d[4] + (splat(aa * bb) * d[0] - splat(aa + bb) * d[2]);
  v[1] = even_a + splat(a) * odd_a;
  v[2] = even_a - splat(a) * odd_a;
  v[3] = even_b + splat(b) * odd_b;
  v[4] = even_b - splat(b) * odd_b;
  v[5] = d[5] + (splat(aa * bb) * d[1] - splat(aa + bb) * d[3]);
}

// Six positions of a line to four outputs.
AIOS_KERNEL void winogradOutputLine(const Vec (&m)[6], Vec (&y)[4]) {
  constexpr float a = kWinogradA, b = kWinogradB;
  const Vec sum_a = m[1] + m[2], difference_a = m[1] - m[2];
  const Vec sum_b = m[3] + m[4], difference_b = m[3] - m[4];
  y[0] = m[0] + sum_a + sum_b;
  y[1] = splat(a) * difference_a + splat(b) * difference_b;
  y[2] = splat(a * a) * sum_a + splat(b * b) * sum_b;
  y[3] = m[5] + (splat(a * a * a) * difference_a + splat(b * b * b) * difference_b);
}

// One vector of channels of one square; `from` has the given strides between rows and pixels.
template <int Lanes, int Step>
AIOS_KERNEL void winogradInputVector(const float* __restrict from, int row_stride, int stride,
                                     float* __restrict to) {
  Vec half[6][6];
  AIOS_UNROLL
  for (int x = 0; x < 6; ++x) {
    Vec line[6], out[6];
    AIOS_UNROLL
    for (int y = 0; y < 6; ++y) line[y] = loadPartial<Lanes>(from + y * row_stride + x * stride);
    winogradInputLine(line, out);
    AIOS_UNROLL
    for (int y = 0; y < 6; ++y) half[y][x] = out[y];
  }
  AIOS_UNROLL
  for (int y = 0; y < 6; ++y) {
    Vec out[6];
    winogradInputLine(half[y], out);
    AIOS_UNROLL
    for (int x = 0; x < 6; ++x) store(to + (y * 6 + x) * Step, out[x]);
  }
}

template <class S>
AIOS_KERNEL void winogradInput(const float* __restrict from, int row_stride, int stride,
                               float* __restrict to) {
  constexpr int kStep = WinogradTiling<S>::kInStep;
  constexpr int kWhole = S::kChannels / kLanes * kLanes;
  for (int c = 0; c < kWhole; c += kLanes)
    winogradInputVector<kLanes, kStep>(from + c, row_stride, stride, to + c);
  if constexpr (kWhole < S::kChannels)
    winogradInputVector<S::kChannels - kWhole, kStep>(from + kWhole, row_stride, stride,
                                                      to + kWhole);
}

// Where a square stands.
struct WinogradPlace {
  int image, row, column;  // of its first output
};
template <class S>
AIOS_KERNEL WinogradPlace winogradPlace(int tile) {
  using T = WinogradTiling<S>;
  return {tile / (T::kTilesH * T::kTilesW), tile / T::kTilesW % T::kTilesH * kWinogradOut,
          tile % T::kTilesW * kWinogradOut};
}

// Copies a square that reaches over the border, zeros outside.
template <class S>
AIOS_KERNEL void winogradPatch(const float* __restrict image, int top, int left,
                               float* __restrict patch) {
  constexpr int kStride = WinogradTiling<S>::kIn;
  for (int y = 0; y < 6; ++y)
    for (int x = 0; x < 6; ++x, patch += kStride) {
      const int at_y = top + y, at_x = left + x;
      if (at_y >= 0 && at_y < S::kHeight && at_x >= 0 && at_x < S::kWidth) {
        copyFloats(patch, image + (at_y * S::kWidth + at_x) * S::kChannels, S::kChannels);
      } else {
        fillZero(patch, S::kChannels);
      }
    }
}

template <class S>
AIOS_KERNEL void winogradInputTile(const float* __restrict x, int tile, float* __restrict to,
                                   float* __restrict patch) {
  const WinogradPlace place = winogradPlace<S>(tile);
  const int top = place.row - S::kPadTop, left = place.column - S::kPadLeft;
  const float* image =
      x + static_cast<std::size_t>(place.image) * S::kHeight * S::kWidth * S::kChannels;
  if (top >= 0 && left >= 0 && top + 6 <= S::kHeight && left + 6 <= S::kWidth) {
    winogradInput<S>(image + (top * S::kWidth + left) * S::kChannels, S::kWidth * S::kChannels,
                     S::kChannels, to);
  } else {
    winogradPatch<S>(image, top, left, patch);
    constexpr int kStride = WinogradTiling<S>::kIn;
    winogradInput<S>(patch, 6 * kStride, kStride, to);
  }
}

// One vector of filters of one square: back to outputs, of which `rows` × `columns` exist.
template <class S, int Lanes, class Epilogue, Residual kResidual>
AIOS_KERNEL void winogradOutputVector(const float* __restrict from, Vec bias, float* y,
                                      const float* residual, int rows, int columns) {
  constexpr int kStep = WinogradTiling<S>::kOutStep;
  Vec half[4][6];
  AIOS_UNROLL
  for (int x = 0; x < 6; ++x) {
    Vec line[6], out[4];
    AIOS_UNROLL
    for (int i = 0; i < 6; ++i) line[i] = load(from + (i * 6 + x) * kStep);
    winogradOutputLine(line, out);
    AIOS_UNROLL
    for (int i = 0; i < 4; ++i) half[i][x] = out[i];
  }
  AIOS_UNROLL
  for (int i = 0; i < 4; ++i) {
    if (i >= rows) break;
    Vec out[4];
    winogradOutputLine(half[i], out);
    AIOS_UNROLL
    for (int j = 0; j < 4; ++j) {
      if (j >= columns) break;
      const int at = (i * S::kOutWidth + j) * S::kFilters;
      finish<Lanes, Epilogue, kResidual>(out[j] + bias, y + at, residual + at);
    }
  }
}

template <class S, class Epilogue, Residual kResidual>
AIOS_KERNEL void winogradOutputTile(const float* __restrict from, const float* __restrict bias,
                                    int tile, float* y, const float* residual) {
  const WinogradPlace place = winogradPlace<S>(tile);
  const std::size_t at =
      ((static_cast<std::size_t>(place.image) * S::kOutHeight + place.row) * S::kOutWidth +
       place.column) *
      S::kFilters;
  const int rows = S::kOutHeight - place.row, columns = S::kOutWidth - place.column;
  constexpr int kWhole = S::kFilters / kLanes * kLanes;
  for (int f = 0; f < kWhole; f += kLanes)
    winogradOutputVector<S, kLanes, Epilogue, kResidual>(from + f, load(bias + f), y + at + f,
                                                         residual + at + f, rows, columns);
  if constexpr (kWhole < S::kFilters)
    winogradOutputVector<S, S::kFilters - kWhole, Epilogue, kResidual>(
        from + kWhole, load(bias + kWhole), y + at + kWhole, residual + at + kWhole, rows, columns);
}

// The 36 products of a group. A function of its own: inlined among the transforms, GCC keeps their
// sums in memory (2.3 times slower with 16 squares).
template <class S, int Tiles>
AIOS_KERNEL_NOINLINE void winogradProducts(const float* __restrict in,
                                           const float* __restrict packed,
                                           float* __restrict out) noexcept {
  using T = WinogradTiling<S>;
  for (int position = 0; position < kWinogradPositions; ++position)
    stridedProduct<Tiles, S::kChannels, T::kOut, T::kIn, T::kOut, Identity,
                   kStreamed<S::kChannels, S::kFilters * kWinogradPositions>>(
        in + position * T::kInStep, packed + position * packedFloats(S::kChannels, S::kFilters),
        out + position * T::kOutStep);
}

// Squares [first, first + Tiles).
template <class S, int Tiles, class Epilogue, Residual kResidual>
AIOS_KERNEL void winogradGroup(const float* __restrict x, const float* __restrict packed, float* y,
                               float* __restrict scratch, const float* residual, int first) {
  using T = WinogradTiling<S>;
  float* in = scratch;
  float* out = in + kWinogradPositions * T::kInStep;
  float* patch = out + kWinogradPositions * T::kOutStep;
  for (int tile = 0; tile < Tiles; ++tile)
    winogradInputTile<S>(x, first + tile, in + tile * T::kIn, patch);
  winogradProducts<S, Tiles>(in, packed, out);
  const float* bias = packed + kWinogradPositions * packedFloats(S::kChannels, S::kFilters);
  for (int tile = 0; tile < Tiles; ++tile)
    winogradOutputTile<S, Epilogue, kResidual>(out + tile * T::kOut, bias, first + tile, y,
                                               residual);
}

}  // namespace detail

// Independent pieces for `winogradConv2dRange`: groups of squares.
template <class S>
inline constexpr int kWinogradTasks = WinogradTiling<S>::kGroups;

// Groups [begin, end). Each concurrent caller needs its own scratch.
template <class S, class Epilogue = Identity, Residual kResidual = Residual::kNone>
AIOS_KERNEL_NOINLINE void winogradConv2dRange(const float* __restrict x,
                                              const float* __restrict packed, float* y,
                                              float* __restrict scratch, const float* residual,
                                              int begin, int end) noexcept {
  using T = WinogradTiling<S>;
  residual = residualOr<kResidual>(residual, y);
  for (int group = begin; group < end; ++group) {
    if (T::kTall > 0 && group < T::kTall) {
      detail::winogradGroup<S, T::kMost, Epilogue, kResidual>(x, packed, y, scratch, residual,
                                                              group * T::kMost);
    } else {
      detail::winogradGroup<S, T::kShort, Epilogue, kResidual>(
          x, packed, y, scratch, residual, T::kTall * T::kMost + (group - T::kTall) * T::kShort);
    }
  }
}

template <class S, class Epilogue = Identity, Residual kResidual = Residual::kNone>
inline void winogradConv2d(const float* __restrict x, const float* __restrict packed, float* y,
                           float* __restrict scratch, const float* residual = nullptr) noexcept {
  winogradConv2dRange<S, Epilogue, kResidual>(x, packed, y, scratch, residual, 0,
                                              kWinogradTasks<S>);
}

}  // namespace aios::kernels
