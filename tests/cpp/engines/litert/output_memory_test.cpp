#include "engines/litert/output_memory.hpp"

#include <gtest/gtest.h>

namespace aios::engines::litert {
namespace {

TEST(OutputMemory, IsWritableToItsEndForEachOutput) {
  const OutputMemory memory(2);
  for (std::size_t output = 0; output < 2; ++output) {
    auto* bytes = static_cast<unsigned char*>(memory.at(output));
    EXPECT_EQ(bytes[0], 0);
    bytes[0] = 7;
    bytes[OutputMemory::kBytes - 1] = 9;
  }
  EXPECT_NE(memory.at(0), memory.at(1));
  EXPECT_EQ(static_cast<unsigned char*>(memory.at(0))[OutputMemory::kBytes - 1], 9);
}

}  // namespace
}  // namespace aios::engines::litert
