// Windows over volumes, and over images of any element type: convolutions and pools by plain loops.
//
// Tensors are [batch, depth, height, width, channels], filters [depth, height, width, channels,
// filters]. An image is a volume of depth 1.
#pragma once

#include <cstdint>
#include <limits>

#include "aios/kernels/walk.hpp"

namespace aios::kernels {

// Everything has three entries, for depth, height and width.
template <class Input, class Output, class Window, class Strides, class Dilations, class Before>
struct VolumeShape {
  using In = Input;
  using Out = Output;
  using Kernel = Window;
  // The input's place under a tap of the window, which may lie outside.
  static constexpr std::ptrdiff_t place(int axis, std::ptrdiff_t out, std::ptrdiff_t tap) {
    return out * Strides::at(axis) + tap * Dilations::at(axis) - Before::at(axis);
  }
  static constexpr bool inside(int axis, std::ptrdiff_t place) {
    return place >= 0 && place < Input::at(axis);
  }
  static constexpr std::ptrdiff_t stride(int axis) { return Strides::at(axis); }
  static constexpr std::ptrdiff_t before(int axis) { return Before::at(axis); }
};

namespace detail {

// Calls visit(offset of the pixel in the input, number of the tap) for each tap inside the input.
template <class Shape, class Visit>
AIOS_KERNEL void visitTaps(std::ptrdiff_t d, std::ptrdiff_t h, std::ptrdiff_t w,
                           const Visit& visit) {
  using Kernel = typename Shape::Kernel;
  using In = typename Shape::In;
  for (std::ptrdiff_t kd = 0; kd < Kernel::at(0); ++kd) {
    const std::ptrdiff_t at_d = Shape::place(0, d, kd);
    if (!Shape::inside(0, at_d)) continue;
    for (std::ptrdiff_t kh = 0; kh < Kernel::at(1); ++kh) {
      const std::ptrdiff_t at_h = Shape::place(1, h, kh);
      if (!Shape::inside(1, at_h)) continue;
      for (std::ptrdiff_t kw = 0; kw < Kernel::at(2); ++kw) {
        const std::ptrdiff_t at_w = Shape::place(2, w, kw);
        if (!Shape::inside(2, at_w)) continue;
        visit((at_d * In::at(1) + at_h) * In::at(2) + at_w,
              (kd * Kernel::at(1) + kh) * Kernel::at(2) + kw);
      }
    }
  }
}

// Calls visit(d, h, w, number of the pixel) for each pixel of the output.
template <class Shape, class Visit>
AIOS_KERNEL void visitPixels(const Visit& visit) {
  using Out = typename Shape::Out;
  std::ptrdiff_t pixel = 0;
  for (std::ptrdiff_t d = 0; d < Out::at(0); ++d) {
    for (std::ptrdiff_t h = 0; h < Out::at(1); ++h) {
      for (std::ptrdiff_t w = 0; w < Out::at(2); ++w) visit(d, h, w, pixel++);
    }
  }
}

}  // namespace detail

// y = bias + the sum of filters times what lies under them; a filter of group g sees the channels
// [g Channels / Groups, (g + 1) Channels / Groups). Without a bias, `bias` is null.
template <std::ptrdiff_t Batch, class Shape, std::ptrdiff_t Channels, std::ptrdiff_t Filters,
          std::ptrdiff_t Groups, class T>
AIOS_KERNEL_NOINLINE void volumeConv(const T* __restrict x, const T* __restrict filters,
                                     const T* __restrict bias, T* __restrict y) noexcept {
  constexpr std::ptrdiff_t kPixels = Shape::In::product(0), kOut = Shape::Out::product(0);
  constexpr std::ptrdiff_t kWide = Channels / Groups, kDeep = Filters / Groups;
  for (std::ptrdiff_t b = 0; b < Batch; ++b) {
    const T* image = x + b * kPixels * Channels;
    detail::visitPixels<Shape>([&](std::ptrdiff_t d, std::ptrdiff_t h, std::ptrdiff_t w,
                                   std::ptrdiff_t pixel) __attribute__((always_inline)) {
      T* out = y + (b * kOut + pixel) * Filters;
      for (std::ptrdiff_t f = 0; f < Filters; ++f) out[f] = bias != nullptr ? bias[f] : T{};
      detail::visitTaps<Shape>(
          d, h, w, [&](std::ptrdiff_t place, std::ptrdiff_t tap) __attribute__((always_inline)) {
            for (std::ptrdiff_t g = 0; g < Groups; ++g) {
              const T* from = image + place * Channels + g * kWide;
              T* to = out + g * kDeep;
              for (std::ptrdiff_t c = 0; c < kWide; ++c) {
                const T* row = filters + (tap * kWide + c) * Filters + g * kDeep;
                for (std::ptrdiff_t f = 0; f < kDeep; ++f) to[f] += from[c] * row[f];
              }
            }
          });
    });
  }
}

// The transpose of such a convolution: each element of x adds its multiple of the filters, [depth,
// height, width, filters, channels], to y. Shape is that of the convolution from y to x.
template <std::ptrdiff_t Batch, class Shape, std::ptrdiff_t Channels, std::ptrdiff_t Filters,
          class T>
AIOS_KERNEL_NOINLINE void volumeTransposedConv(const T* __restrict x, const T* __restrict filters,
                                               const T* __restrict bias, T* __restrict y) noexcept {
  constexpr std::ptrdiff_t kOut = Shape::In::product(0), kPixels = Shape::Out::product(0);
  for (std::ptrdiff_t i = 0; i < Batch * kOut; ++i) {
    for (std::ptrdiff_t f = 0; f < Filters; ++f)
      y[i * Filters + f] = bias != nullptr ? bias[f] : T{};
  }
  for (std::ptrdiff_t b = 0; b < Batch; ++b) {
    detail::visitPixels<Shape>([&](std::ptrdiff_t d, std::ptrdiff_t h, std::ptrdiff_t w,
                                   std::ptrdiff_t pixel) __attribute__((always_inline)) {
      const T* from = x + (b * kPixels + pixel) * Channels;
      detail::visitTaps<Shape>(
          d, h, w, [&](std::ptrdiff_t place, std::ptrdiff_t tap) __attribute__((always_inline)) {
            T* to = y + (b * kOut + place) * Filters;
            for (std::ptrdiff_t f = 0; f < Filters; ++f) {
              const T* row = filters + (tap * Filters + f) * Channels;
              T sum{};
              for (std::ptrdiff_t c = 0; c < Channels; ++c) sum += from[c] * row[c];
              to[f] += sum;
            }
          });
    });
  }
}

// The largest element under the window, for each channel.
template <std::ptrdiff_t Batch, class Shape, std::ptrdiff_t Channels, class T>
AIOS_KERNEL_NOINLINE void volumeMaxPool(const T* __restrict x, T* __restrict y) noexcept {
  constexpr std::ptrdiff_t kPixels = Shape::In::product(0), kOut = Shape::Out::product(0);
  for (std::ptrdiff_t b = 0; b < Batch; ++b) {
    detail::visitPixels<Shape>([&](std::ptrdiff_t d, std::ptrdiff_t h, std::ptrdiff_t w,
                                   std::ptrdiff_t pixel) __attribute__((always_inline)) {
      T* out = y + (b * kOut + pixel) * Channels;
      for (std::ptrdiff_t c = 0; c < Channels; ++c) out[c] = std::numeric_limits<T>::lowest();
      detail::visitTaps<Shape>(
          d, h, w, [&](std::ptrdiff_t place, std::ptrdiff_t) __attribute__((always_inline)) {
            const T* from = x + (b * kPixels + place) * Channels;
            for (std::ptrdiff_t c = 0; c < Channels; ++c)
              out[c] = from[c] > out[c] || from[c] != from[c] ? from[c] : out[c];
          });
    });
  }
}

// The mean of the elements under the window that lie inside the input, for each channel.
template <std::ptrdiff_t Batch, class Shape, std::ptrdiff_t Channels, class T>
AIOS_KERNEL_NOINLINE void volumeAveragePool(const T* __restrict x, T* __restrict y) noexcept {
  constexpr std::ptrdiff_t kPixels = Shape::In::product(0), kOut = Shape::Out::product(0);
  for (std::ptrdiff_t b = 0; b < Batch; ++b) {
    detail::visitPixels<Shape>([&](std::ptrdiff_t d, std::ptrdiff_t h, std::ptrdiff_t w,
                                   std::ptrdiff_t pixel) __attribute__((always_inline)) {
      T* out = y + (b * kOut + pixel) * Channels;
      for (std::ptrdiff_t c = 0; c < Channels; ++c) out[c] = T{};
      std::ptrdiff_t count = 0;
      detail::visitTaps<Shape>(
          d, h, w, [&](std::ptrdiff_t place, std::ptrdiff_t) __attribute__((always_inline)) {
            const T* from = x + (b * kPixels + place) * Channels;
            for (std::ptrdiff_t c = 0; c < Channels; ++c) out[c] += from[c];
            ++count;
          });
      for (std::ptrdiff_t c = 0; c < Channels; ++c) out[c] /= static_cast<T>(count > 0 ? count : 1);
    });
  }
}

}  // namespace aios::kernels
