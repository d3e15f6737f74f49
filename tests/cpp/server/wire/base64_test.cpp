#include "server/wire/base64.hpp"

#include <gtest/gtest.h>

namespace aios::server::wire {
namespace {

std::string decoded(std::string_view text) {
  std::string bytes;
  return decodeBase64(text, bytes) ? bytes : "refused";
}

// RFC 4648, section 10.
TEST(Base64, HasTheValuesOfItsStandard) {
  const std::pair<std::string, std::string> rows[] = {{"", ""},
                                                      {"f", "Zg=="},
                                                      {"fo", "Zm8="},
                                                      {"foo", "Zm9v"},
                                                      {"foob", "Zm9vYg=="},
                                                      {"fooba", "Zm9vYmE="},
                                                      {"foobar", "Zm9vYmFy"},
                                                      {"\xFF\xFB", "//s="}};
  for (const auto& [bytes, text] : rows) {
    std::string encoded;
    appendBase64(bytes, encoded);
    EXPECT_EQ(encoded, text);
    EXPECT_EQ(decoded(text), bytes);
  }
}

TEST(Base64, TakesTextWithoutPaddingAndRefusesOtherText) {
  EXPECT_EQ(decoded("Zm8"), "fo");
  EXPECT_EQ(decoded("Z"), "refused");
  EXPECT_EQ(decoded("Zm 8"), "refused");
  EXPECT_EQ(decoded("Zm8=="), "fo");
  EXPECT_EQ(decoded("Zm8==="), "refused");
}

}  // namespace
}  // namespace aios::server::wire
