// Depthwise convolution over NHWC: each channel has its own filters, one vector of channels at a
// time.
//
// y[.., c * Multiplier + m] = Epilogue(Σ x[.., c] filter[ky, kx, c * Multiplier + m] + bias).
// Weights come from `packing.pack_depthwise`: [vector of channels][bias, then taps][lane]. A tile
// is a few neighbouring output pixels: each input is loaded once for all of them. Padding is
// skipped, not copied; only unusually wide padding makes a padded copy in scratch.
#pragma once

#include "aios/kernels/conv.hpp"

namespace aios::kernels {

// A ConvShape with Filters = Channels * Multiplier.
template <int Batch, int Height, int Width, int Channels, int Multiplier, int KernelH, int KernelW,
          int StrideH = 1, int StrideW = 1, int DilationH = 1, int DilationW = 1, int PadTop = 0,
          int PadLeft = 0, int PadBottom = 0, int PadRight = 0>
struct DepthwiseShape
    : ConvShape<Batch, Height, Width, Channels, Channels * Multiplier, KernelH, KernelW, StrideH,
                StrideW, DilationH, DilationW, PadTop, PadLeft, PadBottom, PadRight> {
  using Base =
      ConvShape<Batch, Height, Width, Channels, Channels * Multiplier, KernelH, KernelW, StrideH,
                StrideW, DilationH, DilationW, PadTop, PadLeft, PadBottom, PadRight>;
  static constexpr int kMultiplier = Multiplier;
  static constexpr int kTaps = KernelH * KernelW;
  // Output pixels in a tile; pieces of kShort + 1 come first.
  static constexpr int kMostColumns = 8;
  static constexpr int kPieces = (Base::kOutWidth + kMostColumns - 1) / kMostColumns;
  static constexpr int kShort = Base::kOutWidth / kPieces;
  static constexpr int kTall = Base::kOutWidth % kPieces;
  static constexpr int kFirst = kTall > 0 ? kShort + 1 : kShort;
  // Whether only the first and the last tile of a row touch padding.
  static constexpr int kLastStart = (Base::kOutWidth - kShort) * StrideW - PadLeft;
  static constexpr int kPenultimateEnd = kLastStart - StrideW + (KernelW - 1) * DilationW + 1;
  static constexpr bool kEdgesInTiles =
      PadLeft <= kFirst * StrideW &&
      (kPieces == 1 || (kLastStart >= 0 && kPenultimateEnd <= Width));
};

template <class S>
inline constexpr std::size_t kDepthwisePackedFloats =
    static_cast<std::size_t>(S::kTaps + 1) * padToLanes(S::kFilters);

// Floats of scratch; zero for usual padding.
template <class S>
inline constexpr std::size_t kDepthwiseScratch = S::kEdgesInTiles ? 0 : kConvScratch<S>;

namespace detail {

// What part of the work a call does: rows of taps inside the image, and vectors of channels.
struct DepthwisePart {
  int first_tap, end_tap, first_vector, end_vector;
};

// Vectors of channels that go through the whole image together: the input rows under one output row
// stay in the first-level cache until the next output row needs them again.
template <class S>
constexpr int depthwiseVectors() {
  const int budget = 24 * 1024 / 4 / (S::kKernelH * S::kWidth * kLanes);
  const int vectors = vectorsFor(S::kFilters);
  const int most = budget < 1 ? 1 : budget < vectors ? budget : vectors;
  const int blocks = (vectors + most - 1) / most;
  return (vectors + blocks - 1) / blocks;
}

// The input channels behind Lanes output channels from `channel` on.
template <class S, int Lanes>
AIOS_KERNEL Vec loadChannels(const float* pixel, int channel) {
  if constexpr (S::kMultiplier == 1) {
    return loadPartial<Lanes>(pixel + channel);
  } else {
    Vec v{};
    for (int i = 0; i < Lanes; ++i) v[i] = pixel[(channel + i) / S::kMultiplier];
    return v;
  }
}

// Adds one row of taps to Columns outputs. `row` points at the input pixel under the first tap of
// the first output, which may be left of the image: only columns [From, To) of it exist.
template <class S, int Columns, int From, int To, int Lanes>
AIOS_KERNEL void addTapRow(Vec (&acc)[Columns], const float* __restrict row,
                           const float* __restrict taps, int channel) {
  constexpr int kSpan = (Columns - 1) * S::kStrideW + (S::kKernelW - 1) * S::kDilationW + 1;
  Vec w[S::kKernelW];
  AIOS_UNROLL
  for (int kx = 0; kx < S::kKernelW; ++kx) w[kx] = load(taps + kx * kLanes);
  AIOS_UNROLL
  for (int j = From > 0 ? From : 0; j < (To < kSpan ? To : kSpan); ++j) {
    Vec x = loadChannels<S, Lanes>(row + j * S::kChannels, channel);
    keepInRegister(x);
    AIOS_UNROLL
    for (int kx = 0; kx < S::kKernelW; ++kx) {
      const int at = j - kx * S::kDilationW;
      if (at >= 0 && at % S::kStrideW == 0 && at / S::kStrideW < Columns)
        acc[at / S::kStrideW] = acc[at / S::kStrideW] + x * w[kx];
    }
  }
}

template <class S, int Columns, int From, int To, int Lanes, bool kInside, class Epilogue,
          Residual kResidual>
AIOS_KERNEL void depthwiseVector(const float* __restrict in, const float* __restrict packed,
                                 float* out, const float* residual, int channel, int first_tap,
                                 int end_tap) {
  constexpr int kRow = S::kDilationH * S::kWidth * S::kChannels;
  Vec acc[Columns];
  const Vec bias = load(packed);
  AIOS_UNROLL
  for (int c = 0; c < Columns; ++c) acc[c] = bias;
  const auto add = [&](int ky) __attribute__((always_inline, nothrow)) {
    addTapRow<S, Columns, From, To, Lanes>(acc, in + ky * kRow,
                                           packed + (1 + ky * S::kKernelW) * kLanes, channel);
  };
  if constexpr (kInside) {
    AIOS_UNROLL
    for (int ky = 0; ky < S::kKernelH; ++ky) add(ky);
  } else {
    for (int ky = first_tap; ky < end_tap; ++ky) add(ky);
  }
  AIOS_UNROLL
  for (int c = 0; c < Columns; ++c)
    finish<Lanes, Epilogue, kResidual>(acc[c], out + c * S::kFilters + channel,
                                       residual + c * S::kFilters + channel);
}

// Columns output pixels.
template <class S, int Columns, int From, int To, bool kInside, class Epilogue, Residual kResidual>
AIOS_KERNEL void depthwiseTile(const float* __restrict in, const float* __restrict packed,
                               float* out, const float* residual, DepthwisePart part) {
  constexpr int kWhole = S::kFilters / kLanes;
  constexpr int kRest = S::kFilters % kLanes;
  constexpr int kVectorFloats = (S::kTaps + 1) * kLanes;
  const int end = part.end_vector < kWhole ? part.end_vector : kWhole;
  for (int v = part.first_vector; v < end; ++v)
    depthwiseVector<S, Columns, From, To, kLanes, kInside, Epilogue, kResidual>(
        in, packed + v * kVectorFloats, out, residual, v * kLanes, part.first_tap, part.end_tap);
  if constexpr (kRest > 0) {
    if (part.end_vector > kWhole)
      depthwiseVector<S, Columns, From, To, kRest, kInside, Epilogue, kResidual>(
          in, packed + kWhole * kVectorFloats, out, residual, kWhole * kLanes, part.first_tap,
          part.end_tap);
  }
}

// One output row. `in` points at the (possibly absent) input pixel under its first tap.
template <class S, bool kInside, class Epilogue, Residual kResidual>
AIOS_KERNEL void depthwiseRow(const float* __restrict in, const float* __restrict packed,
                              float* out, const float* residual, DepthwisePart part) {
  constexpr int kFar = 1 << 20;
  constexpr int kIn = S::kStrideW * S::kChannels;
  constexpr int kLastColumn = S::kOutWidth - S::kShort;
  constexpr int kRight = S::kWidth - (kLastColumn * S::kStrideW - S::kPadLeft);
  if constexpr (S::kPieces == 1) {
    depthwiseTile<S, S::kShort, S::kPadLeft, kRight, kInside, Epilogue, kResidual>(in, packed, out,
                                                                                   residual, part);
  } else {
    depthwiseTile<S, S::kFirst, S::kPadLeft, kFar, kInside, Epilogue, kResidual>(in, packed, out,
                                                                                 residual, part);
    int column = S::kFirst;
    if constexpr (S::kTall > 1) {
      for (; column < S::kTall * S::kFirst; column += S::kFirst)
        depthwiseTile<S, S::kFirst, 0, kFar, kInside, Epilogue, kResidual>(
            in + column * kIn, packed, out + column * S::kFilters, residual + column * S::kFilters,
            part);
    }
    for (; column < kLastColumn; column += S::kShort)
      depthwiseTile<S, S::kShort, 0, kFar, kInside, Epilogue, kResidual>(
          in + column * kIn, packed, out + column * S::kFilters, residual + column * S::kFilters,
          part);
    depthwiseTile<S, S::kShort, 0, kRight, kInside, Epilogue, kResidual>(
        in + column * kIn, packed, out + column * S::kFilters, residual + column * S::kFilters,
        part);
  }
}

// The same convolution over an input whose padding has been written out.
template <class S>
using PaddedDepthwise =
    DepthwiseShape<S::kBatch, S::kPaddedH, S::kPaddedW, S::kChannels, S::kMultiplier, S::kKernelH,
                   S::kKernelW, S::kStrideH, S::kStrideW, S::kDilationH, S::kDilationW>;

}  // namespace detail

// Independent pieces for `depthwiseConv2dRange`: output rows of all images.
template <class S>
inline constexpr int kDepthwiseTasks = S::kBatch * S::kOutHeight;

// Output rows [begin, end); only for shapes that need no scratch.
template <class S, class Epilogue = Identity, Residual kResidual = Residual::kNone>
AIOS_KERNEL_NOINLINE void depthwiseConv2dRange(const float* __restrict x,
                                               const float* __restrict packed, float* y,
                                               const float* residual, int begin, int end) noexcept {
  residual = residualOr<kResidual>(residual, y);
  static_assert(S::kEdgesInTiles, "this padding needs a padded copy");
  constexpr int kOutRow = S::kOutWidth * S::kFilters;
  constexpr int kInRow = S::kWidth * S::kChannels;
  constexpr int kVectors = vectorsFor(S::kFilters);
  constexpr int kTogether = detail::depthwiseVectors<S>();
  for (int vector = 0; vector < kVectors; vector += kTogether) {
    const int end_vector = vector + kTogether < kVectors ? vector + kTogether : kVectors;
    for (int at = begin; at < end; ++at) {
      const int image = at / S::kOutHeight;
      const int top = at % S::kOutHeight * S::kStrideH - S::kPadTop;
      const int first_tap = top >= 0 ? 0 : (-top + S::kDilationH - 1) / S::kDilationH;
      const int fitting = (S::kHeight - top + S::kDilationH - 1) / S::kDilationH;
      const int end_tap = fitting < S::kKernelH ? fitting : S::kKernelH;
      const float* in = x + (static_cast<std::ptrdiff_t>(image) * S::kHeight + top) * kInRow -
                        S::kPadLeft * S::kChannels;
      const std::size_t to = static_cast<std::size_t>(at) * kOutRow;
      const detail::DepthwisePart part{first_tap, end_tap, vector, end_vector};
      // Large kernels are not worth two copies of their code.
      if (S::kTaps <= 25 && first_tap == 0 && end_tap == S::kKernelH) {
        detail::depthwiseRow<S, S::kTaps <= 25, Epilogue, kResidual>(in, packed, y + to,
                                                                     residual + to, part);
      } else {
        detail::depthwiseRow<S, false, Epilogue, kResidual>(in, packed, y + to, residual + to,
                                                            part);
      }
    }
  }
}

// The whole layer; scratch holds kDepthwiseScratch<S> floats.
template <class S, class Epilogue = Identity, Residual kResidual = Residual::kNone>
inline void depthwiseConv2d(const float* __restrict x, const float* __restrict packed, float* y,
                            [[maybe_unused]] float* __restrict scratch,
                            const float* residual = nullptr) noexcept {
  if constexpr (S::kEdgesInTiles) {
    depthwiseConv2dRange<S, Epilogue, kResidual>(x, packed, y, residual, 0, kDepthwiseTasks<S>);
  } else {
    padInput<S>(x, scratch);
    using P = detail::PaddedDepthwise<S>;
    depthwiseConv2dRange<P, Epilogue, kResidual>(scratch, packed, y, residual, 0,
                                                 kDepthwiseTasks<P>);
  }
}

}  // namespace aios::kernels
