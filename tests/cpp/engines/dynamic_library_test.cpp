#include "engines/dynamic_library.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "aios/error.hpp"
#include "engines/engine_table.hpp"

namespace aios::engines {
namespace {

constexpr EngineFacts abacus() {
  EngineFacts row;
  row.name = "abacus";
  row.library.vendor = "Abacus";
  row.library.variable = "AIOS_ABACUS_LIBRARY";
  row.library.soname = "libabacus.so";
  row.library.package = "abacus";
  row.library.file = "libabacus.so";
  return row;
}
constexpr EngineFacts kAbacus = abacus();
constexpr char kRemedy[] =
    "engine 'abacus' not installed: pip install aios-cells[abacus], or set AIOS_ABACUS_LIBRARY to "
    "the wheel's abacus/libabacus.so";

Error errorOf(const std::string& path) {
  try {
    const DynamicLibrary library(kAbacus, path);
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "'" << path << "' was opened";
  return {ErrorCode::kInternal, ""};
}

TEST(DynamicLibrary, ThatNobodyNamedIsToldToBeMissingOnce) {
  const Error error = errorOf("");
  EXPECT_EQ(error.code(), ErrorCode::kNotFound);
  EXPECT_STREQ(error.what(), kRemedy);
}

TEST(DynamicLibrary, ThatIsNamedByThePathOrTheEnvironmentIsTold) {
  EXPECT_EQ(std::string(errorOf("/nowhere/a.so").what())
                .rfind("engine library '/nowhere/a.so' can't be opened (/nowhere/a.so: ", 0),
            0u);
  ASSERT_EQ(::setenv(kAbacus.library.variable, "/nowhere/b.so", 1), 0);
  const Error error = errorOf("");
  ASSERT_EQ(::unsetenv(kAbacus.library.variable), 0);
  EXPECT_EQ(error.code(), ErrorCode::kNotFound);
  EXPECT_EQ(std::string(error.what()).rfind("engine library '/nowhere/b.so' can't be opened", 0),
            0u);
}

TEST(DynamicLibrary, ThatIsThereButNoLibraryIsUnsupported) {
  EXPECT_EQ(errorOf("/proc/self/status").code(), ErrorCode::kUnsupported);
}

TEST(DynamicLibrary, NamesTheSymbolThatItLacks) {
  const DynamicLibrary library(kAbacus, "libm.so.6");
  double (*cosine)(double) = nullptr;
  library.bind(cosine, "cos");
  EXPECT_EQ(cosine(0), 1);
  EXPECT_EQ(library.find("abacus"), nullptr);
  try {
    library.bind(cosine, "abacus");
    FAIL() << "a symbol was found that isn't there";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    EXPECT_NE(std::string(error.what()).find("has no symbol 'abacus'"), std::string::npos);
  }
}

}  // namespace
}  // namespace aios::engines
