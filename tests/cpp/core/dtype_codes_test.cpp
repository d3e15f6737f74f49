#include "core/dtype_codes.hpp"

#include <gtest/gtest.h>

namespace aios {
namespace {

constexpr auto kCodes = dtypeCodes<int>({{DType::kFloat32, 7}, {DType::kBool, 2}});

TEST(DTypeCodes, GoBothWays) {
  EXPECT_EQ(*kCodes.codeOf(DType::kFloat32), 7);
  EXPECT_EQ(kCodes.codeOf(DType::kInt8), nullptr);
  EXPECT_EQ(kCodes.dtypeOf(2), DType::kBool);
  EXPECT_EQ(kCodes.dtypeOf(3), DType::kInvalid);
}

TEST(DTypeCodes, KnowWhichAreMissing) {
  constexpr auto twice = dtypeCodes<int>({{DType::kBool, 1}, {DType::kBool, 2}});
  EXPECT_FALSE(kCodes.haveAllBut({}));
  EXPECT_FALSE(twice.haveAllBut({}));
  const auto all_but_two = {DType::kInt8,   DType::kUInt8,   DType::kInt16,   DType::kUInt16,
                            DType::kInt32,  DType::kUInt32,  DType::kInt64,   DType::kUInt64,
                            DType::kString, DType::kFloat16, DType::kFloat64, DType::kBFloat16};
  EXPECT_TRUE(kCodes.haveAllBut(all_but_two));
}

TEST(DTypeCodes, AreAskedForEveryDTypeThatHasAName) {
  for (const DType dtype : kAllDTypes) EXPECT_EQ(dtypeFromName(name(dtype)), dtype);
  const auto next = static_cast<DType>(static_cast<int>(kAllDTypes.back()) + 1);
  EXPECT_STREQ(name(next), "invalid");
}

}  // namespace
}  // namespace aios
