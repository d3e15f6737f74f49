// Reading and writing at positions that are only known in the call.
//
// Nothing reads or writes beyond its tensors, whatever the positions: a read takes the nearest
// valid one, and a write to one that isn't there is left out.
#pragma once

#include <cstdint>
#include <cstring>
#include <limits>

#include "aios/kernels/integer_functions.hpp"
#include "aios/kernels/reduce.hpp"
#include "aios/kernels/shape.hpp"

namespace aios::kernels {

namespace detail {
// The nearest number in [0, size).
template <class Index>
AIOS_KERNEL std::ptrdiff_t nearest(Index index, std::ptrdiff_t size) {
  if (index < Index{0}) return 0;
  return static_cast<std::uint64_t>(index) < static_cast<std::uint64_t>(size)
             ? static_cast<std::ptrdiff_t>(index)
             : size - 1;
}
}  // namespace detail

// `gather` for each of Batch tables with indices of their own.
template <std::ptrdiff_t Batch, std::ptrdiff_t Outer, std::ptrdiff_t Rows, std::ptrdiff_t Count,
          std::ptrdiff_t Inner, class T, class Index>
inline void gatherBatches(const T* __restrict x, const Index* __restrict index,
                          T* __restrict y) noexcept {
  for (std::ptrdiff_t b = 0; b < Batch; ++b)
    gather<Outer, Rows, Count, Inner>(x + b * Outer * Rows * Inner, index + b * Count,
                                      y + b * Outer * Count * Inner);
}

// y[c] = x[index[c]], where an index has a coordinate for each entry of Sizes, and x is dense with
// Inner elements behind them.
template <std::ptrdiff_t Count, class Sizes, std::ptrdiff_t Inner, class T, class Index>
inline void gatherNd(const T* __restrict x, const Index* __restrict index,
                     T* __restrict y) noexcept {
  for (std::ptrdiff_t c = 0; c < Count; ++c) {
    std::ptrdiff_t at = 0;
    for (int axis = 0; axis < Sizes::kRank; ++axis)
      at = at * Sizes::at(axis) + detail::nearest(index[c * Sizes::kRank + axis], Sizes::at(axis));
    std::memcpy(y + c * Inner, x + at * Inner, Inner * sizeof(T));
  }
}

// How a value is put where another one is.
struct Assign {
  template <class T>
  static AIOS_KERNEL T join(T, T value) {
    return value;
  }
};
struct Add {
  template <class T>
  static AIOS_KERNEL T join(T old, T value) {
    return static_cast<T>(op::add(old, value));
  }
};
struct Subtract {
  template <class T>
  static AIOS_KERNEL T join(T old, T value) {
    return static_cast<T>(op::sub(old, value));
  }
};

// y[index[c]] = Join(y[index[c]], updates[c]), for an index as in `gatherNd`.
template <class Join, std::ptrdiff_t Count, class Sizes, std::ptrdiff_t Inner, class Index, class T>
inline void scatterNd(const Index* __restrict index, const T* __restrict updates,
                      T* __restrict y) noexcept {
  for (std::ptrdiff_t c = 0; c < Count; ++c) {
    std::ptrdiff_t at = 0;
    bool inside = true;
    for (int axis = 0; axis < Sizes::kRank; ++axis) {
      const auto place = static_cast<std::int64_t>(index[c * Sizes::kRank + axis]);
      inside = inside && place >= 0 && place < Sizes::at(axis);
      at = at * Sizes::at(axis) + static_cast<std::ptrdiff_t>(place);
    }
    if (!inside) continue;
    for (std::ptrdiff_t i = 0; i < Inner; ++i)
      y[at * Inner + i] = Join::join(y[at * Inner + i], updates[c * Inner + i]);
  }
}

// Row `index` of y becomes x.
template <std::ptrdiff_t Rows, std::ptrdiff_t Inner, class T, class Index>
inline void writeRow(const T* x, const Index* index, T* y) noexcept {
  const auto row = static_cast<std::int64_t>(*index);
  if (row >= 0 && row < Rows) std::memmove(y + row * Inner, x, Inner * sizeof(T));
}

namespace detail {
// The offset of a box with `Extent` elements along each axis of a dense tensor of `Sizes`, moved so
// that it lies inside. A negative begin counts from the end, and one whose bit of Masked is set is
// left open.
template <class Sizes, class Extent, std::uint32_t Masked, class Index>
AIOS_KERNEL std::ptrdiff_t boxOffset(const Index* begin) {
  std::ptrdiff_t offset = 0;
  for (int axis = 0; axis < Sizes::kRank; ++axis) {
    const std::int64_t size = Sizes::at(axis), last = size - Extent::at(axis);
    std::int64_t first = (Masked >> axis & 1) != 0 ? 0 : static_cast<std::int64_t>(begin[axis]);
    first = first < 0 ? first + size : first;
    first = first < 0 ? 0 : (first > last ? last : first);
    offset = offset * Sizes::at(axis) + static_cast<std::ptrdiff_t>(first);
  }
  return offset;
}
}  // namespace detail

// y = the box of shape `Shape` with steps `From` that begins at `begin`.
template <class Sizes, class Extent, std::uint32_t Masked, class Shape, class From, class T,
          class Index>
inline void sliceAt(const T* __restrict x, const Index* begin, T* __restrict y) noexcept {
  struct To {
    static constexpr std::ptrdiff_t at(int axis) { return Shape::product(axis + 1); }
  };
  detail::copyAxis<0, Shape, From, To>(x + detail::boxOffset<Sizes, Extent, Masked>(begin), y);
}

// The box of shape `Shape` of y that begins at `begin` becomes x.
template <class Sizes, class Shape, class T, class Index>
inline void updateAt(const T* x, const Index* begin, T* y) noexcept {
  struct From {
    static constexpr std::ptrdiff_t at(int axis) { return Shape::product(axis + 1); }
  };
  struct To {
    static constexpr std::ptrdiff_t at(int axis) { return Sizes::product(axis + 1); }
  };
  detail::copyAxis<0, Shape, From, To>(x, y + detail::boxOffset<Sizes, Shape, 0>(begin));
}

// y[s, i] = join of x[r, i] over the rows r whose segment is s; `start` for none. Rows of segments
// outside of [0, Segments) are left out.
template <class Join, std::ptrdiff_t Rows, std::ptrdiff_t Segments, std::ptrdiff_t Inner, class T,
          class Index>
inline void segments(const T* __restrict x, const Index* __restrict segment, const T* start,
                     T* __restrict y) noexcept {
  for (std::ptrdiff_t i = 0; i < Segments * Inner; ++i) y[i] = *start;
  for (std::ptrdiff_t r = 0; r < Rows; ++r) {
    const auto s = static_cast<std::int64_t>(segment[r]);
    if (s < 0 || s >= Segments) continue;
    for (std::ptrdiff_t i = 0; i < Inner; ++i)
      y[s * Inner + i] = static_cast<T>(Join::join(y[s * Inner + i], x[r * Inner + i]));
  }
}

// y[r, v] = how often the value v is in row r of x, or the sum of its weights, or 1 where it is at
// all. Values outside of [0, Size) are left out.
template <std::ptrdiff_t Rows, std::ptrdiff_t Columns, std::ptrdiff_t Size, bool Binary,
          bool Weighted, class Index, class T>
inline void bincount(const Index* __restrict x, const T* weights, T* __restrict y) noexcept {
  for (std::ptrdiff_t i = 0; i < Rows * Size; ++i) y[i] = T{};
  for (std::ptrdiff_t i = 0; i < Rows * Columns; ++i) {
    const auto value = static_cast<std::int64_t>(x[i]);
    if (value < 0 || value >= Size) continue;
    T& count = y[i / Columns * Size + value];
    const T more = Weighted ? weights[i] : T{1};
    count = Binary ? T{1} : op::add<T>(count, more);
  }
}

// Reverses the first length[b] steps of row b. x and y are [Outer, First, Between, Second, Inner];
// the batch is the first axis, and the steps are the second one, or the other way round.
template <std::ptrdiff_t Outer, std::ptrdiff_t First, std::ptrdiff_t Between, std::ptrdiff_t Second,
          std::ptrdiff_t Inner, bool BatchFirst, class T, class Index>
inline void reverseSequence(const T* __restrict x, const Index* __restrict length,
                            T* __restrict y) noexcept {
  constexpr std::ptrdiff_t kSteps = BatchFirst ? Second : First;
  for (std::ptrdiff_t o = 0; o < Outer; ++o) {
    for (std::ptrdiff_t f = 0; f < First; ++f) {
      for (std::ptrdiff_t m = 0; m < Between; ++m) {
        for (std::ptrdiff_t s = 0; s < Second; ++s) {
          const auto turned = detail::nearest(length[BatchFirst ? f : s], kSteps + 1);
          const std::ptrdiff_t step = BatchFirst ? s : f;
          const std::ptrdiff_t from = step < turned ? turned - 1 - step : step;
          const std::ptrdiff_t source = BatchFirst ? f : from, last = BatchFirst ? from : s;
          std::memcpy(y + (((o * First + f) * Between + m) * Second + s) * Inner,
                      x + (((o * First + source) * Between + m) * Second + last) * Inner,
                      Inner * sizeof(T));
        }
      }
    }
  }
}

}  // namespace aios::kernels
