#include "engines/litert/litert_api.hpp"

#include "core/dtype_codes.hpp"
#include "expect_error.hpp"

namespace aios::engines::litert {
namespace {

TEST(ElementType, GoesBothWaysForEveryDTypeButStrings) {
  for (const DType dtype : kAllDTypes) {
    if (dtype == DType::kString) continue;
    EXPECT_EQ(dtypeFromElementType(elementTypeOf(dtype)), dtype);
  }
  EXPECT_EQ(elementTypeOf(DType::kFloat32), 1);
  EXPECT_EQ(elementTypeOf(DType::kBFloat16), 19);
  EXPECT_AIOS_ERROR(elementTypeOf(DType::kString), kUnsupported, "'litert' has no dtype string");
}

TEST(ElementType, ThatHasNoDTypeIsNamed) {
  for (const int32_t code : {0, 5, 8, 12, 14, 15, 18, 99}) {
    EXPECT_AIOS_ERROR(dtypeFromElementType(code), kUnsupported,
                      "element type " + std::to_string(code) + " has no counterpart");
  }
}

TEST(LiteRtApi, NamesTheSymbolThatAnotherLibraryLacks) {
  EXPECT_AIOS_ERROR(Api("libm.so.6"), kUnsupported, "has no symbol 'LiteRtCreateEnvironment'");
}

TEST(Check, TellsTheStatusOfWhatFailed) {
  EXPECT_NO_THROW(check(kOk, "add"));
  EXPECT_AIOS_ERROR(check(3, "add"), kInternal, "'litert' could not add: LiteRT status 3");
}

}  // namespace
}  // namespace aios::engines::litert
