#include "server/models.hpp"

#include <gtest/gtest.h>

namespace aios::server {
namespace {

class ModelTableTest : public ::testing::Test {
 protected:
  static std::shared_ptr<const ServedModel> model(const std::string& name, int64_t version) {
    return std::make_shared<ServedModel>(name, version, nullptr, 1);
  }
  // The version that is found; 0 if there is none.
  int64_t found(std::string_view name, std::optional<int64_t> version = std::nullopt,
                std::string_view label = "") const {
    const auto model = table.find(name, version, label).model;
    return model == nullptr ? 0 : model->version();
  }

  ModelTable table{{model("a", 9), model("a", 10), model("b", 1)},
                   {{"a", {{{"stable", 9}, {"gone", 3}}, {}, {}}}, {"c", {{{"x", 1}}, {}, {}}}}};
};

TEST_F(ModelTableTest, FindsTheHighestVersionWhereNoneIsAskedFor) {
  EXPECT_EQ(found("a"), 10);
  EXPECT_EQ(found("a", 9), 9);
  EXPECT_EQ(found("b"), 1);
}

TEST_F(ModelTableTest, FindsLabels) {
  EXPECT_EQ(found("a", std::nullopt, "stable"), 9);
  EXPECT_FALSE(table.find("a", std::nullopt, "none").label_is_known);
  EXPECT_TRUE(table.find("a", std::nullopt, "gone").label_is_known);
  EXPECT_EQ(found("a", std::nullopt, "gone"), 0);
}

TEST_F(ModelTableTest, FindsTheUsualVersionWhereNoneIsAskedFor) {
  EXPECT_EQ(ModelTable({model("a", 9), model("a", 10)}, {{"a", {{}, 9, {}}}})
                .find("a", std::nullopt, "")
                .model->version(),
            9);
  EXPECT_EQ(ModelTable({model("a", 9), model("a", 10)}, {{"a", {{}, 3, {}}}})
                .find("a", std::nullopt, "")
                .model->version(),
            10);
}

TEST_F(ModelTableTest, GivesACanaryItsShareOfTheCallsThatNameNoVersion) {
  const ModelTable routed({model("a", 9), model("a", 10)}, {{"a", {{}, 9, Canary{10, 0.25}}}});
  int canarys = 0;
  for (int i = 0; i < 100; ++i) {
    if (routed.find("a", std::nullopt, "").model->version() == 10) ++canarys;
    EXPECT_EQ(routed.find("a", 9, "").model->version(), 9);
  }
  EXPECT_EQ(canarys, 25);
}

TEST_F(ModelTableTest, HasNoCanaryThatIsNotLoaded) {
  const ModelTable routed({model("a", 9)}, {{"a", {{}, 9, Canary{10, 1}}}});
  EXPECT_EQ(routed.find("a", std::nullopt, "").model->version(), 9);
}

TEST_F(ModelTableTest, TellsANameFromAVersionThatIsMissing) {
  EXPECT_FALSE(table.find("c", std::nullopt, "").name_is_known);
  EXPECT_TRUE(table.find("a", 11, "").name_is_known);
  EXPECT_EQ(found("a", 11), 0);
}

}  // namespace
}  // namespace aios::server
