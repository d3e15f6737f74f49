// Moving elements about: transposes, slices, concatenations, tiles, reversals.
#pragma once

#include <cstring>

#include "aios/kernels/walk.hpp"

namespace aios::kernels {

// Copies a whole tensor.
template <std::size_t Bytes>
inline void copyBytes(const void* x, void* y) noexcept {
  std::memcpy(y, x, Bytes);
}

namespace detail {

template <int Axis, class Shape, class From, class To, class T>
AIOS_KERNEL void copyAxis(const T* x, T* y) {
  constexpr std::ptrdiff_t kSize = Shape::at(Axis), kFrom = From::at(Axis), kTo = To::at(Axis);
  if constexpr (Axis + 1 < Shape::kRank) {
    for (std::ptrdiff_t i = 0; i < kSize; ++i)
      copyAxis<Axis + 1, Shape, From, To>(x + i * kFrom, y + i * kTo);
  } else if constexpr (kFrom == 1 && kTo == 1) {
    if constexpr (kSize * sizeof(T) <= 512) {
      std::memcpy(y, x, kSize * sizeof(T));
    } else {
      for (std::ptrdiff_t i = 0; i < kSize; ++i) y[i] = x[i];
    }
  } else {
    for (std::ptrdiff_t i = 0; i < kSize; ++i) y[i * kTo] = x[i * kFrom];
  }
}

}  // namespace detail

// y[i · To] = x[i · From] for every index i of Shape; x and y don't overlap.
template <class Shape, class From, class To, class T>
AIOS_KERNEL_NOINLINE void copyAxes(const T* __restrict x, T* __restrict y) noexcept {
  detail::copyAxis<0, Shape, From, To>(x, y);
}

// y = value, `Size` times.
template <std::ptrdiff_t Size, class T>
inline void fill(const T* value, T* y) noexcept {
  const T v = *value;
  for (std::ptrdiff_t i = 0; i < Size; ++i) y[i] = v;
}

// y[o, c, i] = x[o, index[c], i], as in an embedding. An index outside of [0, Rows) is taken as the
// nearest inside: there is no way to report it from here, and none to read beyond the table.
template <std::ptrdiff_t Outer, std::ptrdiff_t Rows, std::ptrdiff_t Count, std::ptrdiff_t Inner,
          class T, class Index>
inline void gather(const T* __restrict x, const Index* __restrict index, T* __restrict y) noexcept {
  for (std::ptrdiff_t o = 0; o < Outer; ++o) {
    for (std::ptrdiff_t c = 0; c < Count; ++c) {
      const Index wanted = index[c] < 0 ? 0 : index[c];
      const auto row = static_cast<std::ptrdiff_t>(wanted < Rows ? wanted : Rows - 1);
      std::memcpy(y + (o * Count + c) * Inner, x + (o * Rows + row) * Inner, Inner * sizeof(T));
    }
  }
}

// y[o, d, i] = on where d is index[o, i], else off.
template <std::ptrdiff_t Outer, std::ptrdiff_t Depth, std::ptrdiff_t Inner, class Index, class T>
inline void oneHot(const Index* __restrict index, const T* on, const T* off,
                   T* __restrict y) noexcept {
  for (std::ptrdiff_t o = 0; o < Outer; ++o) {
    for (std::ptrdiff_t d = 0; d < Depth; ++d) {
      for (std::ptrdiff_t i = 0; i < Inner; ++i)
        y[(o * Depth + d) * Inner + i] =
            static_cast<std::ptrdiff_t>(index[o * Inner + i]) == d ? *on : *off;
    }
  }
}

}  // namespace aios::kernels
