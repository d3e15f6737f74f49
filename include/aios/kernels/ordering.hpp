// The largest elements of rows, sorting, and bins.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

#include "aios/kernels/integer_functions.hpp"
#include "aios/kernels/walk.hpp"

namespace aios::kernels {

namespace detail {

// The K best of a row, as a heap whose root is the worst of them: values with their positions. A
// larger value is better, and of equal ones that of the lower position; NaN is better than any
// number, as TensorFlow sorts it.
template <class T, class Index>
class Best {
 public:
  Best(T* values, Index* places) noexcept : values_(values), places_(places) {}

  void offer(T value, Index place, std::ptrdiff_t kept, std::ptrdiff_t k) noexcept {
    if (kept < k) {
      rise(value, place, kept);
    } else if (better(value, place, values_[0], places_[0])) {
      sink(value, place, k);
    }
  }

  // Puts them in order, from the best.
  void sort(std::ptrdiff_t k) noexcept {
    for (std::ptrdiff_t end = k - 1; end > 0; --end) {
      const T worst = values_[0];
      const Index place = places_[0];
      sink(values_[end], places_[end], end);
      values_[end] = worst;
      places_[end] = place;
    }
  }

 private:
  static bool better(T a, Index at_a, T b, Index at_b) noexcept {
    const bool nan_a = a != a, nan_b = b != b;
    if (nan_a || nan_b) return nan_a && (!nan_b || at_a < at_b);
    return a > b || (a == b && at_a < at_b);
  }
  void put(std::ptrdiff_t at, T value, Index place) noexcept {
    values_[at] = value;
    places_[at] = place;
  }
  void rise(T value, Index place, std::ptrdiff_t at) noexcept {
    while (at > 0) {
      const std::ptrdiff_t parent = (at - 1) / 2;
      if (!better(values_[parent], places_[parent], value, place)) break;
      put(at, values_[parent], places_[parent]);
      at = parent;
    }
    put(at, value, place);
  }
  // Replaces the root of a heap of `size`.
  void sink(T value, Index place, std::ptrdiff_t size) noexcept {
    std::ptrdiff_t at = 0;
    for (std::ptrdiff_t child = 1; child < size; child = 2 * at + 1) {
      if (child + 1 < size &&
          better(values_[child], places_[child], values_[child + 1], places_[child + 1]))
        ++child;
      if (!better(value, place, values_[child], places_[child])) break;
      put(at, values_[child], places_[child]);
      at = child;
    }
    put(at, value, place);
  }

  T* values_;
  Index* places_;
};

}  // namespace detail

// The K largest elements of each row of Columns and their positions, from the largest; of equal
// elements the first comes first.
template <std::ptrdiff_t Rows, std::ptrdiff_t Columns, std::ptrdiff_t K, class T, class Index>
inline void topK(const T* __restrict x, T* __restrict values, Index* __restrict places) noexcept {
  if constexpr (K > 0) {
    for (std::ptrdiff_t r = 0; r < Rows; ++r) {
      detail::Best<T, Index> best(values + r * K, places + r * K);
      for (std::ptrdiff_t c = 0; c < Columns; ++c)
        best.offer(x[r * Columns + c], static_cast<Index>(c), c, K);
      best.sort(K);
    }
  }
}

// y = how many of the ascending boundaries are not above x.
template <std::ptrdiff_t Size, std::ptrdiff_t Boundaries, class T>
inline void bucketize(const T* __restrict x, const float* __restrict boundaries,
                      std::int32_t* __restrict y) noexcept {
  for (std::ptrdiff_t i = 0; i < Size; ++i) {
    std::ptrdiff_t low = 0, high = Boundaries;
    while (low < high) {
      const std::ptrdiff_t middle = (low + high) / 2;
      if (x[i] < boundaries[middle]) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    y[i] = static_cast<std::int32_t>(low);
  }
}

// How partial results are joined along an axis, and where they start.
struct Multiply {
  template <class T>
  static constexpr T start() {
    return T{1};
  }
  template <class T>
  static AIOS_KERNEL T join(T a, T b) {
    return op::mul<T>(a, b);
  }
};
struct Total {
  template <class T>
  static constexpr T start() {
    return T{};
  }
  template <class T>
  static AIOS_KERNEL T join(T a, T b) {
    return op::add<T>(a, b);
  }
};
struct LogSumExp {
  template <class T>
  static constexpr T start() {
    return std::numeric_limits<T>::lowest();
  }
  template <class T>
  static AIOS_KERNEL T join(T a, T b) {
    const T high = a > b ? a : b, low = a > b ? b : a;
    return high + std::log1p(std::exp(low - high));
  }
};

// y[o, m, i] = the join of x[o, 0, i] … x[o, m, i]; without the last when Exclusive, from the end
// when Reverse.
template <class Join, std::ptrdiff_t Outer, std::ptrdiff_t Middle, std::ptrdiff_t Inner,
          bool Exclusive, bool Reverse, class T>
inline void cumulative(const T* __restrict x, T* __restrict y) noexcept {
  for (std::ptrdiff_t o = 0; o < Outer; ++o) {
    for (std::ptrdiff_t i = 0; i < Inner; ++i) {
      T so_far = Join::template start<T>();
      for (std::ptrdiff_t step = 0; step < Middle; ++step) {
        const std::ptrdiff_t m = Reverse ? Middle - 1 - step : step;
        const std::ptrdiff_t at = (o * Middle + m) * Inner + i;
        const T next = Join::join(so_far, x[at]);
        y[at] = Exclusive ? so_far : next;
        so_far = next;
      }
    }
  }
}

}  // namespace aios::kernels
