// Large dense layers with an eighth fewer multiply-adds: y[M,N] = Epilogue(x[M,K] · wᵀ + bias
// [+ residual]).
//
// One level of Strassen's algorithm in Winograd's form (7 products, 15 additions). Rows, depth and
// columns are halved; with x = [A11 A12; A21 A22] and wᵀ = [B11 B12; B21 B22],
//
//   S1 = A21 + A22   S2 = S1 - A11   S3 = A11 - A21   S4 = A12 - S2
//   T1 = B12 - B11   T2 = B22 - T1   T3 = B22 - B12   T4 = T2 - B21
//   C11 = A11 B11 + A12 B21   U = A11 B11 + S2 T2   V = U + S3 T3
//   C21 = V - A22 T4          C22 = V + S1 T1       C12 = U + S1 T1 + S4 B22
//
// Weights are constant: their sums T are packed (`packing.pack_strassen`). The four C of a tile are
// formed one after another in the same registers, so U and V never become matrices. What is left
// to add at run time is S, once for all columns, and a few vectors a tile.
//
// Any two rows may be halves of a pair, so rows go in blocks whose S stays in a near cache. The
// largest error is a few times that of `dense`.
#pragma once

#include <type_traits>

#include "aios/kernels/tile.hpp"

namespace aios::kernels {

// Pairs of rows in a block.
inline constexpr int kStrassenPairs = 48;

template <int M, int K, int N>
struct StrassenShape {
  static_assert(M >= 2 && K % 2 == 0 && N % (2 * kLanes) == 0, "sizes that can be halved");
  static constexpr int kM = M, kK = K, kN = N;
  static constexpr int kDepth = K / 2, kColumns = N / 2;
  static constexpr int kPairs = (M + 1) / 2;
  static constexpr int kBlocks = (kPairs + kStrassenPairs - 1) / kStrassenPairs;
  static constexpr int kShort = kPairs / kBlocks;
  static constexpr int kTall = kPairs % kBlocks;  // blocks of kShort + 1 come first
  static constexpr int kMost = kTall > 0 ? kShort + 1 : kShort;
  static constexpr int kPanels = (vectorsFor(kColumns) + kPanelVectors - 1) / kPanelVectors;
  // Rows of S.
  static constexpr int kRow = padToLanes(kDepth);
};

// Floats that `packing.pack_strassen` writes.
template <class S>
inline constexpr std::size_t kStrassenPackedFloats =
    static_cast<std::size_t>(2 + 7 * S::kDepth) * S::kColumns;

// Floats of scratch (aligned to 64 bytes): S1 … S4, and A22 where its last row is missing.
template <class S>
inline constexpr std::size_t kStrassenScratch =
    static_cast<std::size_t>(S::kM % 2 == 0 ? 4 : 5) * S::kMost * S::kRow;

namespace detail {

// S1 … S4 of a block of Pairs rows above as many below, of which the last may be Missing: zeros.
template <class S, int Pairs, bool Missing>
AIOS_KERNEL_NOINLINE void strassenSums(const float* __restrict x, float* __restrict s) noexcept {
  constexpr std::size_t kMatrix = static_cast<std::size_t>(Pairs) * S::kRow;
  constexpr int kWhole = (S::kDepth - 1) / kLanes * kLanes;
  const auto sum = [&](auto lanes, int row, int k) __attribute__((always_inline, nothrow)) {
    constexpr int kCount = decltype(lanes)::value;
    const float* above = x + static_cast<std::size_t>(row) * S::kK + k;
    const float* below = above + static_cast<std::size_t>(Pairs) * S::kK;
    const bool there = !Missing || row + 1 < Pairs;
    const Vec a11 = loadPartial<kCount>(above), a12 = loadPartial<kCount>(above + S::kDepth);
    const Vec a21 = there ? loadPartial<kCount>(below) : Vec{};
    const Vec a22 = there ? loadPartial<kCount>(below + S::kDepth) : Vec{};
    const Vec s1 = a21 + a22, s2 = s1 - a11;
    float* to = s + static_cast<std::size_t>(row) * S::kRow + k;
    store(to, s1);
    store(to + kMatrix, s2);
    store(to + 2 * kMatrix, a11 - a21);
    store(to + 3 * kMatrix, a12 - s2);
    if constexpr (Missing) store(to + 4 * kMatrix, a22);
  };
  for (int row = 0; row < Pairs; ++row) {
    for (int k = 0; k < kWhole; k += kLanes) sum(std::integral_constant<int, kLanes>(), row, k);
    sum(std::integral_constant<int, S::kDepth - kWhole>(), row, kWhole);
  }
}

// A tile that waits in memory.
template <int Rows, int Vectors>
struct KeptTile {
  alignas(kVectorBytes) float floats[Rows * Vectors * kLanes];
  AIOS_KERNEL void keep(const Accumulators<Rows, Vectors>& acc) {
    AIOS_UNROLL
    for (int r = 0; r < Rows; ++r) {
      AIOS_UNROLL
      for (int v = 0; v < Vectors; ++v) store(floats + (r * Vectors + v) * kLanes, acc.v[r][v]);
    }
  }
  AIOS_KERNEL Vec at(int r, int v) const { return load(floats + (r * Vectors + v) * kLanes); }
};

// acc[r][v] += term(r, v).
template <int Rows, int Vectors, class Term>
AIOS_KERNEL void addToTile(Accumulators<Rows, Vectors>& acc, Term term) {
  AIOS_UNROLL
  for (int r = 0; r < Rows; ++r) {
    AIOS_UNROLL
    for (int v = 0; v < Vectors; ++v) acc.v[r][v] = acc.v[r][v] + term(r, v);
  }
}

// First rows of a tile's operands: those of x, S::kK apart, and those of the sums, S::kRow apart.
struct StrassenRows {
  const float *above, *below, *s1, *s2, *s3, *s4;
};

// A tile of each quarter. `panel` is two bias rows, left and right, then B11, B21, T2, T3, -T4, T1
// and B22. Of the tile below, the first Lower rows exist. With Stream, the panel behind this one is
// fetched.
template <class S, int Rows, int Lower, int Vectors, class Epilogue, Residual kResidual,
          bool Stream>
AIOS_KERNEL_NOINLINE void strassenTile(const StrassenRows& a, const float* __restrict panel,
                                       float* above, float* below, const float* above_residual,
                                       const float* below_residual) noexcept {
  constexpr int kWidth = Vectors * kLanes;
  constexpr int kLines = Stream ? kWidth / kLineFloats : 0;
  constexpr std::size_t kProduct = static_cast<std::size_t>(S::kDepth) * kWidth;
  constexpr std::size_t kPanel = 7 * kProduct + 2 * kWidth;
  using OfX = MatrixWalk<S::kDepth, S::kK>;
  using OfSums = MatrixWalk<S::kDepth, S::kRow>;
  using Below = std::conditional_t<Rows == Lower, OfX, OfSums>;
  Accumulators<Rows, Vectors> acc{};
  KeptTile<Rows, Vectors> u, v;
  // multiplyPanel takes the address of a bias row, and skips it.
  const float* product = panel + kWidth;
  const auto multiply = [&](auto walk, const float* rows) __attribute__((always_inline, nothrow)) {
    multiplyPanel<Rows, Vectors, decltype(walk), kLines>(acc, rows, product,
                                                         product + kWidth + kPanel);
    product += kProduct;
  };
  const auto kept = [&](const auto& tile) {
    return [&](int r, int i) __attribute__((always_inline, nothrow)) { return tile.at(r, i); };
  };
  const auto bias = [&](int side) {
    return [=](int, int i) __attribute__((always_inline, nothrow)) {
      return load(panel + side * kWidth + i * kLanes);
    };
  };

  multiply(OfX(), a.above);
  u.keep(acc);
  multiply(OfX(), a.above + S::kDepth);
  addToTile(acc, bias(0));
  finishTile<Rows, S::kN, kLanes, Epilogue, kResidual>(acc, above, above_residual);

  acc = {};
  addToTile(acc, kept(u));
  multiply(OfSums(), a.s2);
  u.keep(acc);
  multiply(OfSums(), a.s3);
  v.keep(acc);
  multiply(Below(), a.below);
  addToTile(acc, bias(0));
  finishTile<Lower, S::kN, kLanes, Epilogue, kResidual>(acc, below, below_residual);

  acc = {};
  multiply(OfSums(), a.s1);
  {
    Accumulators<Rows, Vectors> right = acc;
    addToTile(right, kept(v));
    addToTile(right, bias(1));
    finishTile<Lower, S::kN, kLanes, Epilogue, kResidual>(right, below + S::kColumns,
                                                          below_residual + S::kColumns);
  }
  addToTile(acc, kept(u));
  multiply(OfSums(), a.s4);
  addToTile(acc, bias(1));
  finishTile<Rows, S::kN, kLanes, Epilogue, kResidual>(acc, above + S::kColumns,
                                                       above_residual + S::kColumns);
}

// All tiles of a block against one panel, in tiles whose heights differ by at most one.
template <class S, int Pairs, bool Missing, int Vectors, class Epilogue, Residual kResidual>
AIOS_KERNEL void strassenPanel(const float* __restrict x, const float* __restrict s,
                               const float* __restrict panel, float* y, const float* residual) {
  constexpr int kTiles = (Pairs + tileRows(Vectors) - 1) / tileRows(Vectors);
  constexpr int kShort = Pairs / kTiles, kTall = Pairs % kTiles;
  constexpr std::size_t kMatrix = static_cast<std::size_t>(Pairs) * S::kRow;
  constexpr bool kStream = kLanes >= 8 && kStrassenPackedFloats<S> * 4 >= kStreamedBytes;
  int row = 0;
  const auto tile = [&](auto rows, auto lower,
                        auto stream) __attribute__((always_inline, nothrow)) {
    constexpr int kRows = decltype(rows)::value, kLower = decltype(lower)::value;
    const std::size_t above = static_cast<std::size_t>(row) * S::kK;
    const std::size_t below = static_cast<std::size_t>(Pairs + row) * S::kK + S::kDepth;
    const std::size_t at = static_cast<std::size_t>(row) * S::kRow;
    const std::size_t to = static_cast<std::size_t>(row) * S::kN;
    const std::size_t to_below = to + static_cast<std::size_t>(Pairs) * S::kN;
    const float* s_at = s + at;
    strassenTile<S, kRows, kLower, Vectors, Epilogue, kResidual, decltype(stream)::value>(
        {x + above, kRows == kLower ? x + below : s_at + 4 * kMatrix, s_at, s_at + kMatrix,
         s_at + 2 * kMatrix, s_at + 3 * kMatrix},
        panel, y + to, y + to_below, residual + to, residual + to_below);
    row += kRows;
  };
  constexpr int kFirst = kTall > 0 ? kShort + 1 : kShort;
  constexpr int kLast = Missing ? kShort - 1 : kShort;
  using First = std::integral_constant<int, kFirst>;
  using Short = std::integral_constant<int, kShort>;
  using Last = std::integral_constant<int, kLast>;
  if constexpr (kTiles == 1) {
    tile(Short(), Last(), std::bool_constant<kStream>());
  } else {
    tile(First(), First(), std::bool_constant<kStream>());
    while (row < kTall * (kShort + 1)) tile(First(), First(), std::false_type());
    while (row < Pairs - kShort) tile(Short(), Short(), std::false_type());
    tile(Short(), Last(), std::false_type());
  }
}

// Panels [begin, end) of one block.
template <class S, int Pairs, bool Missing, class Epilogue, Residual kResidual>
AIOS_KERNEL_NOINLINE void strassenBlock(const float* __restrict x, const float* __restrict packed,
                                        float* y, float* __restrict s, const float* residual,
                                        int begin, int end) noexcept {
  constexpr int kWidth = kPanelVectors * kLanes;
  constexpr int kRest = vectorsFor(S::kColumns) - (S::kPanels - 1) * kPanelVectors;
  strassenSums<S, Pairs, Missing>(x, s);
  for (int panel = begin; panel < end; ++panel) {
    const float* weights = packed + static_cast<std::size_t>(panel) * (2 + 7 * S::kDepth) * kWidth;
    const int column = panel * kWidth;
    if (kRest == kPanelVectors || panel + 1 < S::kPanels) {
      strassenPanel<S, Pairs, Missing, kPanelVectors, Epilogue, kResidual>(
          x, s, weights, y + column, residual + column);
    } else {
      strassenPanel<S, Pairs, Missing, kRest, Epilogue, kResidual>(x, s, weights, y + column,
                                                                   residual + column);
    }
  }
}

}  // namespace detail

// Independent pieces for `strassenRange`: panels of all blocks, block after block.
template <class S>
inline constexpr int kStrassenTasks = S::kBlocks * S::kPanels;

// Pieces [begin, end). Each concurrent caller needs its own scratch.
template <class S, class Epilogue = Identity, Residual kResidual = Residual::kNone>
AIOS_KERNEL_NOINLINE void strassenRange(const float* __restrict x, const float* __restrict packed,
                                        float* y, float* __restrict scratch, const float* residual,
                                        int begin, int end) noexcept {
  residual = residualOr<kResidual>(residual, y);
  for (int task = begin; task < end;) {
    const int block = task / S::kPanels, first = task % S::kPanels;
    const int last = end - block * S::kPanels < S::kPanels ? end - block * S::kPanels : S::kPanels;
    const std::size_t pairs = block < S::kTall
                                  ? block * (S::kShort + 1)
                                  : S::kTall * (S::kShort + 1) + (block - S::kTall) * S::kShort;
    const float* rows = x + 2 * pairs * S::kK;
    float* to = y + 2 * pairs * S::kN;
    const float* added = residual + 2 * pairs * S::kN;
    const auto run = [&](auto height, auto missing) __attribute__((always_inline, nothrow)) {
      detail::strassenBlock<S, decltype(height)::value, decltype(missing)::value, Epilogue,
                            kResidual>(rows, packed, to, scratch, added, first, last);
    };
    using Short = std::integral_constant<int, S::kShort>;
    if (S::kM % 2 != 0 && block + 1 == S::kBlocks) {
      run(Short(), std::bool_constant<S::kM % 2 != 0>());
    } else if (block < S::kTall) {
      run(std::integral_constant<int, S::kMost>(), std::false_type());
    } else {
      run(Short(), std::false_type());
    }
    task += last - first;
  }
}

// The whole layer. Without a fused residual, leave the pointer out. x may not overlap y; `residual`
// may be y itself.
template <class S, class Epilogue = Identity, Residual kResidual = Residual::kNone>
inline void strassen(const float* __restrict x, const float* __restrict packed, float* y,
                     float* __restrict scratch, const float* residual = nullptr) noexcept {
  strassenRange<S, Epilogue, kResidual>(x, packed, y, scratch, residual, 0, kStrassenTasks<S>);
}

}  // namespace aios::kernels
