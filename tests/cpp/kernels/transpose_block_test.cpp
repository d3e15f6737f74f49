#include "aios/kernels/transpose_block.hpp"

#include <gtest/gtest.h>

namespace aios::kernels {
namespace {

TEST(TransposeSquare, SwapsRowsAndColumns) {
  Vec rows[kLanes];
  for (int r = 0; r < kLanes; ++r)
    for (int c = 0; c < kLanes; ++c) rows[r][c] = static_cast<float>(r * 100 + c);
  transposeSquare(rows);
  for (int r = 0; r < kLanes; ++r)
    for (int c = 0; c < kLanes; ++c) ASSERT_EQ(rows[r][c], static_cast<float>(c * 100 + r));
}

}  // namespace
}  // namespace aios::kernels
