#include "core/floats.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "core/dtype_codes.hpp"

namespace aios {
namespace {

double halfOf(uint16_t bits, DType dtype) {
  return floatAt(TensorView(static_cast<const void*>(&bits), dtype, {1}), 0);
}

TEST(Floats, AreFourOfTheElementTypes) {
  std::vector<std::string> found;
  for (const DType dtype : kAllDTypes) {
    if (isFloat(dtype)) found.emplace_back(name(dtype));
  }
  EXPECT_EQ(found, (std::vector<std::string>{"float16", "float32", "float64", "bfloat16"}));
}

TEST(FloatAt, ReadsHalvesOfEveryKind) {
  EXPECT_EQ(halfOf(0x3c00, DType::kFloat16), 1);
  EXPECT_EQ(halfOf(0xc500, DType::kFloat16), -5);
  EXPECT_EQ(halfOf(0x0001, DType::kFloat16), std::ldexp(1.0, -24));
  EXPECT_EQ(halfOf(0x7bff, DType::kFloat16), 65504);
  EXPECT_TRUE(std::isinf(halfOf(0xfc00, DType::kFloat16)));
  EXPECT_TRUE(std::isnan(halfOf(0x7e00, DType::kFloat16)));
  EXPECT_EQ(halfOf(0xc040, DType::kBFloat16), -3);
}

TEST(FloatAt, ReadsAtAnyAlignment) {
  char memory[2 * sizeof(double) + 1] = {};
  const double values[] = {1.5, -2.25};
  std::memcpy(memory + 1, values, sizeof values);
  const TensorView view(static_cast<const void*>(memory + 1), DType::kFloat64, {2});
  EXPECT_EQ(floatAt(view, 0), 1.5);
  EXPECT_EQ(floatAt(view, 1), -2.25);
}

}  // namespace
}  // namespace aios
