// Convolution over NHWC tensors: y = Epilogue(conv(x, filters) + bias [+ residual]), 1D as
// height 1.
//
// Weights come from `packing.pack_conv2d` (the same panels as dense). A 1×1 convolution of stride 1
// is a matrix product over all pixels. Any other reads its rows in place: the inputs of one output
// pixel are KernelH runs of KernelW * Channels neighbouring floats, so the register tile of dense
// walks them without gathering. Only a padded convolution copies its input, once, into `scratch`.
//
// Narrow layers fill their vectors by computing several neighbouring pixels as if they were more
// filters of a wider kernel (`kPixels`; the packing must agree, so it mirrors `convPixels`).
#pragma once

#include "aios/kernels/dense.hpp"
#include "aios/kernels/tile.hpp"

namespace aios::kernels {

// Neighbouring output pixels computed together: the fewest vector steps per pixel.
constexpr int convPixels(int filters, int kernel_w, int stride_w, int dilation_w, int out_w) {
  if (dilation_w != 1 || filters >= kLanes) return 1;
  int best = 1;
  for (int pixels = 2; pixels * filters <= kPanelVectors * kLanes; ++pixels) {
    if (out_w % pixels != 0) continue;
    const auto cost = [&](int p) {
      return vectorsFor(filters * p) * (kernel_w + (p - 1) * stride_w);
    };
    if (cost(pixels) * best < cost(best) * pixels) best = pixels;
  }
  return best;
}

// Everything about a convolution that is known when compiling. Padding is in rows and columns of
// zeros.
template <int Batch, int Height, int Width, int Channels, int Filters, int KernelH, int KernelW,
          int StrideH = 1, int StrideW = 1, int DilationH = 1, int DilationW = 1, int PadTop = 0,
          int PadLeft = 0, int PadBottom = 0, int PadRight = 0>
struct ConvShape {
  static constexpr int kBatch = Batch, kHeight = Height, kWidth = Width, kChannels = Channels;
  static constexpr int kFilters = Filters, kKernelH = KernelH, kKernelW = KernelW;
  static constexpr int kStrideH = StrideH, kStrideW = StrideW;
  static constexpr int kDilationH = DilationH, kDilationW = DilationW;
  static constexpr int kPadTop = PadTop, kPadLeft = PadLeft;
  static constexpr int kPaddedH = PadTop + Height + PadBottom;
  static constexpr int kPaddedW = PadLeft + Width + PadRight;
  static constexpr int kOutHeight = (kPaddedH - (KernelH - 1) * DilationH - 1) / StrideH + 1;
  static constexpr int kOutWidth = (kPaddedW - (KernelW - 1) * DilationW - 1) / StrideW + 1;
  static constexpr bool kPadded = kPaddedH != Height || kPaddedW != Width;
  // Plain matrix products: one pixel at a time, or the whole image at once.
  static constexpr bool kPointwise =
      KernelH == 1 && KernelW == 1 && StrideH == 1 && StrideW == 1 && !kPadded;
  static constexpr bool kWholeImage = KernelH == Height && KernelW == Width && !kPadded;
  static constexpr int kInputFloats = Batch * Height * Width * Channels;
  static constexpr int kOutputFloats = Batch * kOutHeight * kOutWidth * Filters;
  static constexpr int kDepth = KernelH * KernelW * Channels;
  static constexpr int kPixels =
      kPointwise ? 1 : convPixels(Filters, KernelW, StrideW, DilationW, kOutWidth);
  static_assert(kOutHeight >= 1 && kOutWidth >= 1, "the kernel is larger than its padded input");
};

// Floats of scratch memory that a convolution needs: its padded input, if it has padding.
template <class S>
inline constexpr std::size_t kConvScratch =
    S::kPadded ? static_cast<std::size_t>(S::kBatch) * S::kPaddedH * S::kPaddedW * S::kChannels : 0;

// Floats that `packing.pack_conv2d` writes for this shape.
template <class S>
inline constexpr std::size_t kConvPackedFloats =
    packedFloats(S::kKernelH * (S::kKernelW + (S::kPixels - 1) * S::kStrideW) * S::kChannels,
                 S::kFilters* S::kPixels);

namespace detail {

AIOS_KERNEL float* fillZero(float* p, int count) {
  int i = 0;
  for (; i + kLanes <= count; i += kLanes) store(p + i, Vec{});
  for (; i < count; ++i) p[i] = 0.0f;
  return p + count;
}
AIOS_KERNEL float* copyFloats(float* __restrict to, const float* __restrict from, int count) {
  int i = 0;
  for (; i + kLanes <= count; i += kLanes) store(to + i, load(from + i));
  for (; i < count; ++i) to[i] = from[i];
  return to + count;
}

}  // namespace detail

// Writes x with its border of zeros to `padded` (kConvScratch floats).
template <class S>
AIOS_KERNEL_NOINLINE void padInput(const float* __restrict x, float* __restrict padded) noexcept {
  constexpr int kRow = S::kWidth * S::kChannels;
  constexpr int kLeft = S::kPadLeft * S::kChannels;
  constexpr int kPaddedRow = S::kPaddedW * S::kChannels;
  constexpr int kBetween = kPaddedRow - kRow;
  for (int image = 0; image < S::kBatch; ++image) {
    padded = detail::fillZero(padded, S::kPadTop * kPaddedRow + kLeft);
    for (int row = 0; row < S::kHeight; ++row, x += kRow) {
      padded = detail::copyFloats(padded, x, kRow);
      if (row + 1 < S::kHeight) padded = detail::fillZero(padded, kBetween);
    }
    constexpr int kBelow = S::kPaddedH - S::kPadTop - S::kHeight;
    padded = detail::fillZero(padded, kBetween - kLeft + kBelow * kPaddedRow);
  }
}

namespace detail {

// How output pixels are grouped into register tiles for `Vectors` column vectors.
template <class S, int Vectors>
struct ConvTiling {
  static constexpr int kColumns = S::kOutWidth / S::kPixels;  // tile rows in an output row
  static constexpr int kMost = tileRows(Vectors);
  // Narrow images put several output rows in a tile.
  static constexpr int kRowsPerTile =
      kColumns >= kMost ? 1 : (kMost / kColumns < S::kOutHeight ? kMost / kColumns : S::kOutHeight);
  static constexpr int kPieces = (kColumns + kMost - 1) / kMost;
  static constexpr int kShort = kColumns / kPieces;
  static constexpr int kTall = kColumns % kPieces;  // pieces of kShort + 1 columns come first
  static constexpr int kPackedDepth =
      S::kKernelH * (S::kKernelW + (S::kPixels - 1) * S::kStrideW) * S::kChannels;
  // Lines of weights per step of a tile, and what one tile fetches at a line a step.
  static constexpr int kLines =
      Vectors * kLanes / kLineFloats > 0 ? Vectors * kLanes / kLineFloats : 1;
  static constexpr int kAheadFloats = kPackedDepth * kLineFloats;
};

template <class S, int TileWidth>
using ConvWalk =
    Walk<TileWidth, S::kStrideW * S::kPixels * S::kChannels,
         S::kStrideH * S::kPaddedW * S::kChannels,
         S::kDilationW == 1 ? (S::kKernelW + (S::kPixels - 1) * S::kStrideW) * S::kChannels
                            : S::kChannels,
         S::kKernelH, S::kDilationH * S::kPaddedW * S::kChannels,
         S::kDilationW == 1 ? 1 : S::kKernelW, S::kDilationW * S::kChannels>;

template <class S, int Rows, int TileWidth, int Vectors, int LastLanes, class Epilogue,
          Residual kResidual, bool Ahead>
AIOS_KERNEL void convTile(const float* __restrict in, const float* __restrict panel, float* out,
                          const float* residual, const float* ahead) {
  Accumulators<Rows * TileWidth, Vectors> acc;
  startFromBias(acc, panel);
  multiplyPanel<Rows * TileWidth, Vectors, ConvWalk<S, TileWidth>, Ahead ? 1 : 0>(acc, in, panel,
                                                                                  ahead);
  finishTile<Rows * TileWidth, S::kFilters * S::kPixels, LastLanes, Epilogue, kResidual>(acc, out,
                                                                                         residual);
}

// `Rows` output rows, all columns, one panel. Pointers are to their beginning. When Ahead is set,
// the first pieces fetch one line of `ahead` with every step, one piece after the other.
template <class S, int Rows, int Vectors, int LastLanes, class Epilogue, Residual kResidual,
          bool Ahead>
AIOS_KERNEL void convRows(const float* __restrict in, const float* __restrict panel, float* out,
                          const float* residual, [[maybe_unused]] const float* ahead) {
  using T = ConvTiling<S, Vectors>;
  constexpr int kIn = S::kStrideW * S::kPixels * S::kChannels;
  constexpr int kOut = S::kFilters * S::kPixels;
  constexpr int kLead = !Ahead ? 0 : T::kPieces < T::kLines ? T::kPieces : T::kLines;
  int column = 0;
  if constexpr (kLead >= 1) {
    constexpr int kWidth = T::kTall > 0 ? T::kShort + 1 : T::kShort;
    convTile<S, Rows, kWidth, Vectors, LastLanes, Epilogue, kResidual, true>(in, panel, out,
                                                                             residual, ahead);
    column += kWidth;
  }
  if constexpr (kLead >= 2) {
    constexpr int kWidth = T::kTall > 1 ? T::kShort + 1 : T::kShort;
    convTile<S, Rows, kWidth, Vectors, LastLanes, Epilogue, kResidual, true>(
        in + column * kIn, panel, out + column * kOut, residual + column * kOut,
        ahead + T::kAheadFloats);
    column += kWidth;
  }
  if constexpr (T::kTall > kLead) {
    for (; column < T::kTall * (T::kShort + 1); column += T::kShort + 1)
      convTile<S, Rows, T::kShort + 1, Vectors, LastLanes, Epilogue, kResidual, false>(
          in + column * kIn, panel, out + column * kOut, residual + column * kOut, nullptr);
  }
  for (; column < T::kColumns; column += T::kShort)
    convTile<S, Rows, T::kShort, Vectors, LastLanes, Epilogue, kResidual, false>(
        in + column * kIn, panel, out + column * kOut, residual + column * kOut, nullptr);
}

// Output rows [begin, end) of the batch's images, counted through, against one panel. The last of
// them fetch the panel behind it, when weights are large: by then this one is needed no more.
template <class S, int Vectors, int LastLanes, class Epilogue, Residual kResidual>
AIOS_KERNEL_NOINLINE void convPanel(const float* __restrict in, const float* __restrict panel,
                                    float* out, const float* residual, int begin,
                                    int end) noexcept {
  using T = ConvTiling<S, Vectors>;
  constexpr int kRows = T::kRowsPerTile;
  constexpr int kImage = S::kPaddedH * S::kPaddedW * S::kChannels;
  constexpr int kInRow = S::kStrideH * S::kPaddedW * S::kChannels;
  constexpr int kOutRow = S::kOutWidth * S::kFilters;
  constexpr bool kStream = kStreamed<T::kPackedDepth, S::kFilters * S::kPixels>;
  // Groups of rows that fetch: one, or two where a row has only one piece for two lines a step.
  constexpr int kLeadGroups = T::kPieces >= T::kLines ? 1 : T::kLines;
  const float* next = panel + (T::kPackedDepth + 1) * Vectors * kLanes;
  for (int at = begin; at < end;) {
    const int image = at / S::kOutHeight;
    const int row = at % S::kOutHeight;
    const float* from = in + static_cast<std::size_t>(image) * kImage + row * kInRow;
    const std::size_t to = static_cast<std::size_t>(at) * kOutRow;
    if (kRows > 1 && row + kRows <= S::kOutHeight && at + kRows <= end) {
      if (kStream && at + kLeadGroups * kRows >= end) {
        const int group = at + kRows >= end ? 0 : 1;
        convRows<S, kRows, Vectors, LastLanes, Epilogue, kResidual, kStream>(
            from, panel, out + to, residual + to, next + group * T::kAheadFloats);
      } else {
        convRows<S, kRows, Vectors, LastLanes, Epilogue, kResidual, false>(from, panel, out + to,
                                                                           residual + to, nullptr);
      }
      at += kRows;
    } else {
      if (kStream && kRows == 1 && at + kLeadGroups >= end) {
        convRows<S, 1, Vectors, LastLanes, Epilogue, kResidual, kStream && kRows == 1>(
            from, panel, out + to, residual + to, next + (end - 1 - at) * T::kAheadFloats);
      } else {
        convRows<S, 1, Vectors, LastLanes, Epilogue, kResidual, false>(from, panel, out + to,
                                                                       residual + to, nullptr);
      }
      at += 1;
    }
  }
}

}  // namespace detail

// Independent pieces of a convolution for `conv2dRange`: output rows of all images.
template <class S>
inline constexpr int kConvTasks = S::kBatch * S::kOutHeight;

// Output rows [begin, end). `in` is x, or what padInput wrote when S::kPadded.
template <class S, class Epilogue = Identity, Residual kResidual = Residual::kNone>
AIOS_KERNEL_NOINLINE void conv2dRange(const float* __restrict in, const float* __restrict packed,
                                      float* y, const float* residual, int begin,
                                      int end) noexcept {
  residual = residualOr<kResidual>(residual, y);
  constexpr int kColumns = S::kFilters * S::kPixels;
  constexpr int kWidth = kPanelVectors * kLanes;
  constexpr int kFullPanels = (kColumns - 1) / kWidth;
  constexpr int kRest = vectorsFor(kColumns) - kFullPanels * kPanelVectors;
  constexpr int kLastLanes = kColumns - (vectorsFor(kColumns) - 1) * kLanes;
  constexpr int kDepth =
      S::kKernelH * (S::kKernelW + (S::kPixels - 1) * S::kStrideW) * S::kChannels;
  for (int panel = 0; panel < kFullPanels; ++panel) {
    detail::convPanel<S, kPanelVectors, kLanes, Epilogue, kResidual>(in, packed, y, residual, begin,
                                                                     end);
    packed += panelFloats(kDepth);
    y += kWidth;
    residual += kWidth;
  }
  detail::convPanel<S, kRest, kLastLanes, Epilogue, kResidual>(in, packed, y, residual, begin, end);
}

// The whole convolution; scratch holds kConvScratch<S> floats.
template <class S, class Epilogue = Identity, Residual kResidual = Residual::kNone>
inline void conv2d(const float* __restrict x, const float* __restrict packed, float* y,
                   float* __restrict scratch, const float* residual = nullptr) noexcept {
  if constexpr (S::kPointwise) {
    dense<S::kBatch * S::kHeight * S::kWidth, S::kChannels, S::kFilters, Epilogue, kResidual>(
        x, packed, y, residual);
  } else if constexpr (S::kWholeImage) {
    dense<S::kBatch, S::kDepth, S::kFilters, Epilogue, kResidual>(x, packed, y, residual);
  } else {
    if constexpr (S::kPadded) padInput<S>(x, scratch);
    conv2dRange<S, Epilogue, kResidual>(S::kPadded ? scratch : x, packed, y, residual, 0,
                                        kConvTasks<S>);
  }
}

}  // namespace aios::kernels
