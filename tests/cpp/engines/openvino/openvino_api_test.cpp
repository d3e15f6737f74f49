#include "engines/openvino/openvino_api.hpp"

#include "expect_error.hpp"

namespace aios::engines::openvino {
namespace {

TEST(OpenVinoApi, NamesTheSymbolThatAnotherLibraryLacks) {
  EXPECT_AIOS_ERROR(Api("libm.so.6"), kUnsupported, "has no symbol 'ov_core_create'");
}

}  // namespace
}  // namespace aios::engines::openvino
