#include "aios/tensor.hpp"

#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>

#include "expect_error.hpp"

namespace aios {
namespace {

TEST(DType, NamesAndSizesAreNumPys) {
  EXPECT_STREQ(name(DType::kFloat32), "float32");
  EXPECT_EQ(byteSize(DType::kFloat32), 4U);
  EXPECT_EQ(byteSize(DType::kFloat16), 2U);
  EXPECT_EQ(byteSize(DType::kBool), 1U);
  for (int32_t code = 1; code <= 13; ++code) {
    const auto dtype = static_cast<DType>(code);
    EXPECT_EQ(dtypeFromName(name(dtype)), dtype) << name(dtype);
  }
  EXPECT_EQ(dtypeFromName("complex64"), DType::kInvalid);
}

TEST(TensorView, BorrowsMemoryAndTakesItsTypeFromThePointer) {
  std::array<float, 6> pixels = {1, 2, 3, 4, 5, 6};
  const TensorView view = TensorView::of(pixels.data(), {2, 3});
  EXPECT_EQ(view.dtype(), DType::kFloat32);
  EXPECT_EQ(view.elements(), 6U);
  EXPECT_EQ(view.bytes(), 24U);
  EXPECT_EQ(view.dim(1), 3);
  EXPECT_EQ(view.data<float>(), pixels.data());
  EXPECT_EQ(view.data<int32_t>(), nullptr);
  EXPECT_TRUE(view.writable());
}

TEST(TensorView, OfConstMemoryCanNotBeWritten) {
  const std::array<int64_t, 2> ids = {7, 8};
  const TensorView view = TensorView::of(ids.data(), {2});
  EXPECT_FALSE(view.writable());
  EXPECT_EQ(view.mutableData(), nullptr);
  EXPECT_EQ(view.bytesData(), ids.data());
}

TEST(TensorView, OfAScalarHasOneElement) {
  double value = 3;
  EXPECT_EQ(TensorView::of(&value, {}).elements(), 1U);
}

TEST(TensorView, RefusesNegativeHugeAndTooManySizes) {
  float value = 0;
  EXPECT_AIOS_ERROR(TensorView::of(&value, {2, -1}), kInvalidArgument, "float32[2,-1]");
  const int64_t huge = std::numeric_limits<int64_t>::max() / 2;
  EXPECT_AIOS_ERROR(TensorView::of(&value, {huge, 4}), kInvalidArgument, "larger than memory");
  EXPECT_AIOS_ERROR(TensorView::of(&value, {1, 1, 1, 1, 1, 1, 1, 1, 1}), kInvalidArgument,
                    "at most 8 dimensions");
}

TEST(TensorView, WithAZeroSizeIsEmptyHoweverLargeTheOthers) {
  const int64_t huge = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(TensorView(static_cast<void*>(nullptr), DType::kFloat32, {0, huge}).elements(), 0U);
}

TEST(Tensor, OwnsAlignedMemoryThatMovesWithIt) {
  Tensor tensor(DType::kFloat32, {3, 5});
  const void* memory = tensor.view().bytesData();
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory) % kTensorAlignment, 0U);
  const Tensor moved = std::move(tensor);
  EXPECT_EQ(moved.data<float>(), memory);
  EXPECT_EQ(moved.bytes(), 60U);
}

TEST(Tensor, CopiesStringsWithTheirBytes) {
  std::string word = "cat";
  std::array<StringRef, 2> words = {{{word.data(), 3}, {word.data() + 1, 2}}};
  const Tensor copy = Tensor::copyOf(TensorView::of(words.data(), {2}));
  word = "dog";
  const auto* elements = copy.data<StringRef>();
  EXPECT_EQ(std::string(elements[0].data, elements[0].size), "cat");
  EXPECT_EQ(std::string(elements[1].data, elements[1].size), "at");
}

TEST(Tensor, DescribesItselfAsUsersWriteIt) {
  EXPECT_EQ(describe(Tensor(DType::kFloat64, {4, 12}).view()), "float64[4,12]");
}

}  // namespace
}  // namespace aios
