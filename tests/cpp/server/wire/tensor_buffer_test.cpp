#include "server/wire/tensor_buffer.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "expect_error.hpp"

namespace aios::server::wire {
namespace {

using Sizes = std::vector<int64_t>;

TEST(TensorBuffer, KeepsElementsInARowAtAnAlignedAddress) {
  TensorBuffer buffer;
  buffer.start(DType::kInt32);
  for (int32_t i = 0; i < 1000; ++i) buffer.push(i);
  const TensorView view = buffer.view(Sizes{10, 100});
  EXPECT_EQ(reinterpret_cast<uintptr_t>(view.bytesData()) % kTensorAlignment, 0U);
  EXPECT_EQ(view.data<int32_t>()[999], 999);
  EXPECT_FALSE(view.writable());
}

TEST(TensorBuffer, StartsAnewWithAnotherDtype) {
  TensorBuffer buffer;
  buffer.start(DType::kInt32);
  buffer.push(int32_t{1});
  buffer.start(DType::kFloat64);
  EXPECT_EQ(buffer.elements(), 0U);
  buffer.push(2.0);
  EXPECT_EQ(buffer.view(Sizes{1}).data<double>()[0], 2.0);
}

TEST(TensorBuffer, HasAViewOfNothing) {
  TensorBuffer buffer;
  buffer.start(DType::kFloat32);
  EXPECT_EQ(buffer.view(Sizes{0, 3}).elements(), 0U);
}

TEST(TensorBuffer, RefusesAShapeOfOtherElements) {
  TensorBuffer buffer;
  buffer.start(DType::kFloat32);
  buffer.push(1.0F);
  EXPECT_AIOS_ERROR(buffer.view(Sizes{2}), kInvalidArgument,
                    "expected the elements of float32[2], got 1");
}

TEST(TensorBuffer, KeepsTheTextsThatItIsAskedToKeep) {
  TensorBuffer buffer;
  buffer.start(DType::kString);
  const std::string borrowed = "borrowed";
  buffer.pushString(borrowed, false);
  for (int i = 0; i < 100; ++i) buffer.pushString("kept" + std::to_string(i), true);
  const auto* refs = buffer.view(Sizes{101}).data<StringRef>();
  EXPECT_EQ(refs[0].data, borrowed.data());
  EXPECT_EQ(std::string(refs[1].data, refs[1].size), "kept0");
  EXPECT_EQ(std::string(refs[100].data, refs[100].size), "kept99");
}

}  // namespace
}  // namespace aios::server::wire
