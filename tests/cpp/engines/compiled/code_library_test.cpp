#include "engines/compiled/code_library.hpp"

#include "expect_error.hpp"
#include "tiny_bundle.hpp"

namespace aios::engines::compiled {
namespace {

TEST(CodeLibrary, HasTheDescriptorOfItsModel) {
  const TinyBundle bundle;
  const auto library = CodeLibrary::open(bundle::Directory(bundle.path()), "c/model.so");
  ASSERT_NE(library->descriptor(), nullptr);
  EXPECT_STREQ(library->descriptor()->name, "tiny");
  EXPECT_EQ(library->descriptor()->weights_bytes, 8U);
}

TEST(CodeLibrary, IsOneForEachCode) {
  const TinyBundle one;
  const TinyBundle other;
  const auto first = CodeLibrary::open(bundle::Directory(one.path()), "c/model.so");
  EXPECT_EQ(CodeLibrary::open(bundle::Directory(other.path()), "c/model.so"), first);
}

TEST(CodeLibrary, StaysWhatItWasWhenItsFileChanges) {
  const TinyBundle bundle;
  const auto library = CodeLibrary::open(bundle::Directory(bundle.path()), "c/model.so");
  bundle.write("c/model.so", "no longer code");
  EXPECT_STREQ(library->descriptor()->target, "native");
}

TEST(CodeLibrary, IsRefusedWhereTheFileIsNone) {
  const TinyBundle bundle;
  bundle.write("c/model.so", "no code");
  EXPECT_AIOS_ERROR(CodeLibrary::open(bundle::Directory(bundle.path()), "c/model.so"), kUnsupported,
                    "compile it for this machine");
  EXPECT_AIOS_ERROR(CodeLibrary::open(bundle::Directory(bundle.path()), "gone.so"), kDataLoss,
                    "'gone.so'");
}

}  // namespace
}  // namespace aios::engines::compiled
