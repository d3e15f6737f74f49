// Transposed convolution over NHWC: y[iy StrideH + ky - PadTop][ix StrideW + kx - PadLeft] +=
// x[iy][ix] · filters[ky][kx], then bias and Epilogue.
//
// Outputs with the same remainder modulo the stride (a phase) need the same taps, so each phase is
// an ordinary convolution of stride 1 with a part of the kernel, whose outputs lie Stride apart.
// Weights come from `packing.pack_transposed_conv2d`: the panels of one phase after the other.
#pragma once

#include <type_traits>

#include "aios/kernels/conv.hpp"

namespace aios::kernels {

template <int Batch, int Height, int Width, int Channels, int Filters, int KernelH, int KernelW,
          int StrideH, int StrideW, int OutHeight, int OutWidth, int PadTop = 0, int PadLeft = 0>
struct TransposedConvShape {
  static constexpr int kBatch = Batch, kHeight = Height, kWidth = Width, kChannels = Channels;
  static constexpr int kFilters = Filters, kKernelH = KernelH, kKernelW = KernelW;
  static constexpr int kStrideH = StrideH, kStrideW = StrideW;
  static constexpr int kOutHeight = OutHeight, kOutWidth = OutWidth;
  static constexpr int kDeconvPadTop = PadTop, kDeconvPadLeft = PadLeft;
  static constexpr int kInputFloats = Batch * Height * Width * Channels;
  static constexpr int kOutputFloats = Batch * OutHeight * OutWidth * Filters;

  // Taps of a phase, and the input's border of zeros that the phases read (names of padInput).
  static constexpr int tapsH(int phase) {
    return phase < KernelH ? (KernelH - phase + StrideH - 1) / StrideH : 0;
  }
  static constexpr int tapsW(int phase) {
    return phase < KernelW ? (KernelW - phase + StrideW - 1) / StrideW : 0;
  }
  static constexpr int kPadTop = tapsH(0) - 1, kPadLeft = tapsW(0) - 1;
  static constexpr int kLastRow = (OutHeight - 1 + PadTop) / StrideH;
  static constexpr int kLastColumn = (OutWidth - 1 + PadLeft) / StrideW;
  static constexpr int kPaddedH = kPadTop + (kLastRow >= Height ? kLastRow + 1 : Height);
  static constexpr int kPaddedW = kPadLeft + (kLastColumn >= Width ? kLastColumn + 1 : Width);
  static constexpr bool kPadded = kPaddedH != Height || kPaddedW != Width;
};

// Floats of scratch: the input with its border.
template <class S>
inline constexpr std::size_t kTransposedConvScratch =
    S::kPadded ? static_cast<std::size_t>(S::kBatch) * S::kPaddedH * S::kPaddedW * S::kChannels : 0;

// Where the panels of a phase start, phases counted row by row; the total is that of the one past
// the last.
template <class S>
constexpr std::size_t transposedConvOffset(int phase) {
  std::size_t at = 0;
  for (int p = 0; p < phase; ++p)
    at += packedFloats(S::tapsH(p / S::kStrideW) * S::tapsW(p % S::kStrideW) * S::kChannels,
                       S::kFilters);
  return at;
}

namespace detail {

// One dimension of a phase: its outputs are kFirst, kFirst + Stride, …; the first of them stands
// over input position kInput (before the border is added).
template <int Phase, int Stride, int Pad, int Out>
struct PhaseAxis {
  static constexpr int kFirst = ((Phase - Pad) % Stride + Stride) % Stride;
  static constexpr int kCount = kFirst < Out ? (Out - kFirst + Stride - 1) / Stride : 0;
  static constexpr int kInput = (kFirst + Pad) / Stride;
};

template <class S, int PhaseH, int PhaseW, int Vectors, int LastLanes, class Epilogue>
AIOS_KERNEL void phasePanel(const float* __restrict in, const float* __restrict panel, float* y) {
  using Rows = PhaseAxis<PhaseH, S::kStrideH, S::kDeconvPadTop, S::kOutHeight>;
  using Columns = PhaseAxis<PhaseW, S::kStrideW, S::kDeconvPadLeft, S::kOutWidth>;
  constexpr int kTapsH = S::tapsH(PhaseH), kTapsW = S::tapsW(PhaseW);
  constexpr int kRow = S::kPaddedW * S::kChannels;
  constexpr int kOutStride = S::kStrideW * S::kFilters;
  constexpr int kPieces = (Columns::kCount + tileRows(Vectors) - 1) / tileRows(Vectors);
  constexpr int kShort = Columns::kCount / kPieces;
  constexpr int kTall = Columns::kCount % kPieces;
  using W = Walk<1 << 20, S::kChannels, 0, kTapsW * S::kChannels, kTapsH, kRow>;
  const auto tile = [&](auto size, const float* from,
                        float* to) __attribute__((always_inline, nothrow)) {
    constexpr int kSize = decltype(size)::value;
    Accumulators<kSize, Vectors> acc;
    startFromBias(acc, panel);
    multiplyPanel<kSize, Vectors, W>(acc, from, panel);
    finishTile<kSize, kOutStride, LastLanes, Epilogue, Residual::kNone>(acc, to, to);
  };
  constexpr int kTop = Rows::kInput - kTapsH + 1 + S::kPadTop;
  constexpr int kLeft = Columns::kInput - kTapsW + 1 + S::kPadLeft;
  for (int i = 0; i < Rows::kCount; ++i) {
    const float* from = in + (kTop + i) * kRow + kLeft * S::kChannels;
    float* to =
        y + ((Rows::kFirst + i * S::kStrideH) * S::kOutWidth + Columns::kFirst) * S::kFilters;
    int column = 0;
    if constexpr (kTall > 0) {
      for (; column < kTall * (kShort + 1); column += kShort + 1)
        tile(std::integral_constant<int, kShort + 1>(), from + column * S::kChannels,
             to + column * kOutStride);
    }
    for (; column < Columns::kCount; column += kShort)
      tile(std::integral_constant<int, kShort>(), from + column * S::kChannels,
           to + column * kOutStride);
  }
}

// One phase of one image, and then the phases after it.
template <class S, int Phase, class Epilogue>
AIOS_KERNEL void transposedPhases(const float* __restrict in, const float* __restrict packed,
                                  float* y) {
  if constexpr (Phase < S::kStrideH * S::kStrideW) {
    constexpr int kPhaseH = Phase / S::kStrideW, kPhaseW = Phase % S::kStrideW;
    using Rows = PhaseAxis<kPhaseH, S::kStrideH, S::kDeconvPadTop, S::kOutHeight>;
    using Columns = PhaseAxis<kPhaseW, S::kStrideW, S::kDeconvPadLeft, S::kOutWidth>;
    if constexpr (Rows::kCount > 0 && Columns::kCount > 0) {
      constexpr int kDepth = S::tapsH(kPhaseH) * S::tapsW(kPhaseW) * S::kChannels;
      constexpr int kWidth = kPanelVectors * kLanes;
      constexpr int kFull = (S::kFilters - 1) / kWidth;
      constexpr int kRest = vectorsFor(S::kFilters) - kFull * kPanelVectors;
      constexpr int kLastLanes = S::kFilters - (vectorsFor(S::kFilters) - 1) * kLanes;
      const float* panel = packed + transposedConvOffset<S>(Phase);
      for (int i = 0; i < kFull; ++i, panel += (kDepth + 1) * kWidth)
        phasePanel<S, kPhaseH, kPhaseW, kPanelVectors, kLanes, Epilogue>(in, panel, y + i * kWidth);
      phasePanel<S, kPhaseH, kPhaseW, kRest, kLastLanes, Epilogue>(in, panel, y + kFull * kWidth);
    }
    transposedPhases<S, Phase + 1, Epilogue>(in, packed, y);
  }
}

}  // namespace detail

// scratch holds kTransposedConvScratch<S> floats.
template <class S, class Epilogue = Identity>
AIOS_KERNEL_NOINLINE void transposedConv2d(const float* __restrict x,
                                           const float* __restrict packed, float* __restrict y,
                                           float* __restrict scratch) noexcept {
  if constexpr (S::kPadded) padInput<S>(x, scratch);
  const float* in = S::kPadded ? scratch : x;
  for (int image = 0; image < S::kBatch; ++image) {
    detail::transposedPhases<S, 0, Epilogue>(in, packed, y);
    in += static_cast<std::size_t>(S::kPaddedH) * S::kPaddedW * S::kChannels;
    y += static_cast<std::size_t>(S::kOutHeight) * S::kOutWidth * S::kFilters;
  }
}

}  // namespace aios::kernels
