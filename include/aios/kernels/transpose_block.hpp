// Transposes a square of kLanes × kLanes floats in registers, and whole matrices by such squares.
#pragma once

#include <utility>

#include "aios/kernels/vec.hpp"

namespace aios::kernels {

namespace detail {

// Swaps the off-diagonal halves of every pair of Half-wide groups of lanes in a and b.
template <int Half, int... Lane>
AIOS_KERNEL void swapHalves(Vec& a, Vec& b, std::integer_sequence<int, Lane...>) {
  const Vec low =
      __builtin_shufflevector(a, b, ((Lane & Half) == 0 ? Lane : kLanes + Lane - Half)...);
  const Vec high =
      __builtin_shufflevector(a, b, ((Lane & Half) == 0 ? Lane + Half : kLanes + Lane)...);
  a = low;
  b = high;
}

template <int Half>
AIOS_KERNEL void transposeStage(Vec (&rows)[kLanes]) {
  AIOS_UNROLL
  for (int i = 0; i < kLanes; ++i) {
    if ((i & Half) == 0)
      swapHalves<Half>(rows[i], rows[i + Half], std::make_integer_sequence<int, kLanes>());
  }
  if constexpr (Half > 1) transposeStage<Half / 2>(rows);
}

}  // namespace detail

// rows[i][j] becomes rows[j][i].
AIOS_KERNEL void transposeSquare(Vec (&rows)[kLanes]) { detail::transposeStage<kLanes / 2>(rows); }

// to[c * to_stride + r] = from[r * from_stride + c] for r < Rows, c < Columns (each 1..kLanes);
// writes whole vectors, whose lanes from Rows on are zero.
template <int Rows, int Columns>
AIOS_KERNEL void transposePiece(const float* __restrict from, int from_stride, float* __restrict to,
                                int to_stride) {
  Vec rows[kLanes];
  AIOS_UNROLL
  for (int r = 0; r < kLanes; ++r)
    rows[r] = r < Rows ? loadPartial<Columns>(from + r * from_stride) : Vec{};
  transposeSquare(rows);
  AIOS_UNROLL
  for (int c = 0; c < Columns; ++c) store(to + c * to_stride, rows[c]);
}

}  // namespace aios::kernels
