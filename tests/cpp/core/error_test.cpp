#include "aios/error.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

namespace aios {
namespace {

TEST(Error, HasACodeAndWords) {
  const Error error(ErrorCode::kNotFound, "no bundle");
  EXPECT_EQ(error.code(), ErrorCode::kNotFound);
  EXPECT_STREQ(error.what(), "no bundle");
}

TEST(Error, IsCaughtAsAnyOther) {
  std::string words;
  try {
    throw Error(ErrorCode::kDataLoss, "half");
  } catch (const std::runtime_error& error) {
    words = error.what();
  }
  EXPECT_EQ(words, "half");
}

TEST(ErrorCode, IsOfTheNumbersOfGrpc) {
  EXPECT_EQ(static_cast<int>(ErrorCode::kInvalidArgument), 3);
  EXPECT_EQ(static_cast<int>(ErrorCode::kUnsupported), 12);
  EXPECT_EQ(static_cast<int>(ErrorCode::kDataLoss), 15);
}

}  // namespace
}  // namespace aios
