#include "bundle/json_fields.hpp"

#include "bundle/valid_manifest.hpp"

namespace aios::bundle {
namespace {

TEST(JsonFields, ShowsNothingOfTheManifestThatIsLongOrNotPrintable) {
  Json manifest = validManifest();
  manifest["artifacts"][0]["verdict"] = "\x1b[31m\nfine";
  expectMalformed(manifest, "unknown verdict '?[31m?fine'");
  manifest = validManifest();
  manifest["artifacts"][0]["files"][0]["path"] = "../" + std::string(60, 'a') + "\xc3\xa4";
  expectMalformed(manifest, "path '../" + std::string(60, 'a') + "...' leaves the bundle");
}

TEST(JsonFields, TellIntegersInARange) {
  EXPECT_TRUE(isInteger(Json(3), 1, 3));
  EXPECT_FALSE(isInteger(Json(4), 1, 3));
  EXPECT_FALSE(isInteger(Json(2.0), 1, 3));
  EXPECT_FALSE(isInteger(Json(true), 0, 3));
  EXPECT_FALSE(isInteger(Json(UINT64_MAX), -1, INT64_MAX));
}

TEST(JsonFields, TakeNullForMissing) {
  const Json object = {{"there", 1}, {"null", nullptr}};
  EXPECT_EQ(*optionalMember(object, "there"), 1);
  EXPECT_EQ(optionalMember(object, "null"), nullptr);
  EXPECT_EQ(optionalMember(object, "missing"), nullptr);
  EXPECT_AIOS_ERROR(member(object, "missing"), kDataLoss, "'missing' is missing");
  EXPECT_AIOS_ERROR(member(Json(1), "x"), kDataLoss, "expected an object with 'x'");
}

TEST(JsonFields, AreOfNoMoreThanIsAllowed) {
  const Json object = {{"list", {1, 2}}, {"text", "four"}, {"entries", {{"a", 1}, {"b", 2}}}};
  EXPECT_EQ(listMember(object, "list", 2).size(), 2U);
  EXPECT_AIOS_ERROR(listMember(object, "list", 1), kDataLoss, "'list' has 2 entries");
  EXPECT_EQ(textMember(object, "text", 4), "four");
  EXPECT_AIOS_ERROR(textMember(object, "text", 3), kDataLoss,
                    "'text' has 4 bytes, expected 1 to 3");
  EXPECT_NO_THROW(checkEntries(object["entries"], "entries", 2));
  EXPECT_AIOS_ERROR(checkEntries(object["entries"], "entries", 1), kDataLoss,
                    "'entries' isn't an object of at most 1 entries");
}

TEST(JsonFields, CutNoCharacterInTwo) {
  EXPECT_EQ(shown("short"), "short");
  EXPECT_EQ(shown(std::string(63, 'a') + "\xc3\xa4"), std::string(63, 'a') + "...");
}

}  // namespace
}  // namespace aios::bundle
