// A cell with the tiny bundle, and the tensors of one call of it: y = 2x, z = x + 3.
#pragma once

#include <gtest/gtest.h>

#include <array>

#include "aios/performance_cell.hpp"
#include "tiny_bundle.hpp"

namespace aios {

using Floats = std::array<float, 8>;

class TinyCall : public testing::Test {
 protected:
  void SetUp() override { cell_.loadModel(bundle_.path().string()); }

  const TinyBundle bundle_;
  TensorFlowPerformanceCell cell_;
  Floats x_{1, 2, 3, 4}, y_{}, z_{};
  std::array<TensorView, 1> inputs_ = {TensorView::of(x_.data(), {2, 2})};
  std::array<TensorView, 2> outputs_ = {TensorView::of(y_.data(), {2, 2}),
                                        TensorView::of(z_.data(), {2, 2})};
};

}  // namespace aios
