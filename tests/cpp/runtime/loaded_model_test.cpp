#include "runtime/loaded_model.hpp"

#include "expect_error.hpp"
#include "forked.hpp"
#include "tiny_bundle.hpp"

namespace aios::runtime {
namespace {

class Loaded : public testing::Test {
 protected:
  std::shared_ptr<LoadedModel> load(const CellOptions& options = {}) const {
    return LoadedModel::load(bundle_.path().string(), {"serve"}, options);
  }
  // Changes the only artifact.
  template <typename Change>
  void change(const Change& change) const {
    nlohmann::json manifest = bundle_.manifest();
    change(manifest["artifacts"][0]);
    bundle_.publish(manifest);
  }

  const TinyBundle bundle_;
};

TEST_F(Loaded, HasAnEndpointForEachSignature) {
  const auto model = load();
  EXPECT_EQ(model->engine(), "compiled");
  EXPECT_EQ(&model->endpoint(), &model->endpoint("serve"));
  EXPECT_EQ(model->endpoints().size(), 1U);
  EXPECT_AIOS_ERROR(model->endpoint("x"), kNotFound,
                    "no signature 'x' in this model; it has 'serve'");
}

TEST_F(Loaded, ExplainsWhatRunsAndCountsCalls) {
  const auto model = load();
  const std::vector<EngineChoice> rows = model->explain();
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].engine, "compiled");
  EXPECT_EQ(rows[0].target, "native");
  EXPECT_TRUE(rows[0].chosen);
  const std::vector<Tensor> x = zeros(model->endpoint().signature().inputs);
  model->endpoint().infer(viewsOf(x));
  EXPECT_EQ(model->metrics().engine, "compiled");
  EXPECT_EQ(model->metrics().signatures.at(0).calls, 1U);
}

TEST_F(Loaded, TellsWhyNoArtifactMayRun) {
  CellOptions options;
  options.engine = "litert";
  EXPECT_AIOS_ERROR(load(options), kNotFound,
                    "can't run on engine 'litert' here: it has no artifact for that engine");
  change([](nlohmann::json& artifact) { artifact["verdict"] = "pending"; });
  EXPECT_AIOS_ERROR(load(), kNotFound, "compiled: it was never verified");
  change([](nlohmann::json& artifact) {
    artifact["verdict"] = "failed";
    artifact["reason"] = "it is wrong";
  });
  EXPECT_AIOS_ERROR(load(), kNotFound, "compiled: it is wrong");
}

TEST_F(Loaded, TakesALowerPrecisionOnlyWhereItIsAllowed) {
  change([](nlohmann::json& artifact) { artifact["precision"] = "int8"; });
  EXPECT_AIOS_ERROR(load(), kNotFound, "its precision is lower than float32");
  CellOptions options;
  for (const char* allowed : {"fastest", "int8"}) {
    options.precision = allowed;
    EXPECT_EQ(load(options)->engine(), "compiled");
  }
  options.precision = "float16";
  EXPECT_AIOS_ERROR(load(options), kNotFound, "precision='float16' was asked for");
}

TEST_F(Loaded, IsRefusedWhereTheAnswersAreNotThoseOfTheExport) {
  bundle_.write("c/weights.bin", std::string("\0\0\x40\x40\0\0\x40\x40", 8));  // y = 3x
  bundle_.publish(bundle_.manifest());
  EXPECT_AIOS_ERROR(load(), kDataLoss, "on engine 'compiled': golden sample 0, tensor 'y'");
  CellOptions options;
  options.verify = Verify::kFull;
  EXPECT_AIOS_ERROR(load(options), kDataLoss, "nothing was loaded");
  options.verify = Verify::kOff;
  EXPECT_EQ(load(options)->engine(), "compiled");
}

TEST_F(Loaded, IsNotForAForkedChild) {
  const auto model = load();
  EXPECT_FALSE(model->isForked());
  const auto refusal = [&] {
    try {
      model->endpoint();
    } catch (const Error& error) {
      const std::string names = "(openvino and tensorflow can't: they are refused there by name)";
      return std::string(error.what()).find(names) == std::string::npos ? 1 : 2;
    }
    return 0;
  };
  EXPECT_EQ(inForkedChild(refusal), 2);
}

TEST(BareSavedModel, IsRunByTheEngineThatReadsThem) {
  const TemporaryDirectory directory;
  directory.write("saved_model.pb", "");
  CellOptions options;
  options.engine = "litert";
  EXPECT_AIOS_ERROR(LoadedModel::load(directory.path().string(), {"serve"}, options), kNotFound,
                    "is a bare SavedModel, which only the engine 'tensorflow' runs, not 'litert'");
}

TEST_F(Loaded, VerifiesEveryArtifactOrTheOneThatIsAskedFor) {
  const std::string path = bundle_.path().string();
  const auto all = verifyBundle(path, {});
  ASSERT_EQ(all.size(), 1U);
  EXPECT_TRUE(all[0].verification.ok) << all[0].verification.reason;
  EXPECT_EQ(all[0].verification.samples, 1U);
  VerifyScope scope;
  scope.engine = "litert";
  scope.target = "any";
  scope.precision = "float32";
  EXPECT_TRUE(verifyBundle(path, {}, scope).empty());
  change([](nlohmann::json& artifact) { artifact["verdict"] = "pending"; });
  EXPECT_TRUE(verifyBundle(path, {}).empty());
  scope = {};
  scope.include_pending = true;
  EXPECT_EQ(verifyBundle(path, {}, scope).size(), 1U);
}

TEST_F(Loaded, SaysOfAnEngineThatIsNotThereThatItWasNotRun) {
  change([](nlohmann::json& artifact) { artifact["engine"] = "abacus"; });
  const auto entries = verifyBundle(bundle_.path().string(), {});
  EXPECT_FALSE(entries.at(0).verification.ok);
  EXPECT_TRUE(entries.at(0).verification.not_run);
  EXPECT_NE(entries.at(0).verification.reason.find("isn't part of this build"), std::string::npos);
}

}  // namespace
}  // namespace aios::runtime
