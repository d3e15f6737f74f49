#include "engines/tensorflow/tensorflow_api.hpp"

#include "core/dtype_codes.hpp"
#include "expect_error.hpp"

namespace aios::engines::tensorflow {
namespace {

TEST(TfType, GoesBothWaysForEveryDType) {
  for (const DType dtype : kAllDTypes) EXPECT_EQ(dtypeFromTfType(tfTypeOf(dtype)), dtype);
  EXPECT_EQ(tfTypeOf(DType::kFloat32), 1);
  EXPECT_EQ(tfTypeOf(DType::kString), kTfString);
}

TEST(TfType, OfNoDTypeIsZero) {
  EXPECT_EQ(tfTypeOf(DType::kInvalid), 0);
  EXPECT_EQ(dtypeFromTfType(8), DType::kInvalid);  // complex64
}

TEST(TensorFlowApi, NamesTheSymbolThatAnotherLibraryLacks) {
  EXPECT_AIOS_ERROR(Api("libm.so.6"), kUnsupported, "has no symbol 'TF_Version'");
}

}  // namespace
}  // namespace aios::engines::tensorflow
