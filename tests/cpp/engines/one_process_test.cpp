#include "engines/one_process.hpp"

#include "expect_error.hpp"
#include "forked.hpp"

namespace aios::engines {
namespace {

bool isRefused(OneProcess& process) {
  try {
    process.enter();
  } catch (const Error& error) {
    return error.code() == ErrorCode::kFailedPrecondition;
  }
  return false;
}

TEST(OneProcess, RefusesAChildOfTheProcessThatUsedTheLibrary) {
  OneProcess process("abacus");
  process.enter();
  EXPECT_EQ(inForkedChild([&] { return isRefused(process) ? 1 : 0; }), 1);
  EXPECT_NO_THROW(process.enter());
}

TEST(OneProcess, LetsAChildUseWhatItsParentDidNot) {
  OneProcess process("abacus");
  EXPECT_EQ(inForkedChild([&] { return isRefused(process) ? 1 : 0; }), 0);
}

TEST(OneProcess, TakesTheWordOfOthersThatItIsUsed) {
  OneProcess process("abacus");
  process.note();
  EXPECT_EQ(inForkedChild([&] { return isRefused(process) ? 1 : 0; }), 1);
}

}  // namespace
}  // namespace aios::engines
