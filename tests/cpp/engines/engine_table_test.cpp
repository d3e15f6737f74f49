#include "engines/engine_table.hpp"

#include <set>

#include "expect_error.hpp"
#include "tiny_bundle.hpp"

namespace aios::engines {
namespace {

bundle::Artifact artifactFor(const std::string& engine) {
  bundle::Artifact artifact;
  artifact.engine = engine;
  artifact.files = {{"m", 0, ""}};
  artifact.graphs = {bundle::Graph{}};
  return artifact;
}

EngineFacts rowNamed(const char* name) {
  EngineFacts row;
  row.name = name;
  return row;
}

// y = 2x and z = x + 3, as the tiny bundle has it, from nothing but this file and one row.
class Arithmetic final : public Model {
 public:
  std::unique_ptr<Session> newSession(const Signature& /*signature*/) const override {
    class Calls final : public Session {
      void run(Span<const TensorView> inputs, Span<TensorView> outputs) override {
        const auto* x = inputs[0].data<float>();
        auto* y = static_cast<float*>(outputs[0].mutableData());
        auto* z = static_cast<float*>(outputs[1].mutableData());
        for (std::size_t i = 0; i < inputs[0].elements(); ++i) {
          y[i] = 2 * x[i];
          z[i] = x[i] + 3;
        }
      }
    };
    return std::make_unique<Calls>();
  }
};

// A further engine until the end of the scope.
class AddedEngine {
 public:
  explicit AddedEngine(const EngineFacts& row) { addEngine(row); }
  ~AddedEngine() { removeAddedEngine(); }
  AddedEngine(const AddedEngine&) = delete;
  AddedEngine& operator=(const AddedEngine&) = delete;
};

std::string names() {
  std::string text;
  for (const EngineFacts& row : engineTable()) text += std::string(row.name) + " ";
  return text;
}

TEST(EngineTable, HasEveryEngineOnceInTheOrderOfPreference) {
  EXPECT_EQ(names(), "compiled litert openvino tensorflow ");
  for (const EngineFacts& row : engineTable()) {
    EXPECT_NE(row.load, nullptr) << row.name;
    EXPECT_STREQ(row.precisions[0], "float32") << row.name;
    EXPECT_STREQ(row.devices[0], "cpu") << row.name;
    EXPECT_EQ(&engineNamed(row.name), &row);
  }
}

TEST(EngineTable, SaysOfEachVendorsLibraryWhereItIs) {
  std::set<std::string> variables;
  for (const EngineFacts& row : engineTable()) {
    const VendorLibrary& library = row.library;
    if (*library.vendor == '\0') continue;
    EXPECT_TRUE(variables.insert(library.variable).second) << row.name;
    for (const char* text : {library.soname, library.package, library.file, library.wheels}) {
      EXPECT_STRNE(text, "") << row.name;
    }
  }
  EXPECT_EQ(variables.size(), 3U);
}

TEST(EngineTable, TakesAFurtherRowUntilItIsRemoved) {
  {
    const AddedEngine added(rowNamed("abacus"));
    EXPECT_EQ(names(), "compiled litert openvino tensorflow abacus ");
    EXPECT_AIOS_ERROR(addEngine(rowNamed("abacus")), kInvalidArgument, "'abacus' is there already");
  }
  EXPECT_EQ(findEngine("abacus"), nullptr);
  removeAddedEngine();
  EXPECT_EQ(names(), "compiled litert openvino tensorflow ");
}

TEST(EngineTable, HasRoomForSomeRowsOnly) {
  std::size_t added = 0;
  const std::vector<const char*> more = {"a", "b", "c", "d"};
  for (const char* name : more) {
    addEngine(rowNamed(name));
    ++added;
  }
  EXPECT_AIOS_ERROR(addEngine(rowNamed("e")), kOverloaded, "at most 8 engines");
  for (; added > 0; --added) removeAddedEngine();
}

TEST(EngineTable, IsAllThatANewEngineNeedsToServe) {
  EngineFacts row = rowNamed("abacus");
  row.load = [](const bundle::Bundle&, const bundle::Artifact&,
                const EngineOptions&) -> std::shared_ptr<const Model> {
    return std::make_shared<Arithmetic>();
  };
  const AddedEngine added(row);
  const TinyBundle bundle;
  nlohmann::json manifest = bundle.manifest();
  manifest["artifacts"][0]["engine"] = "abacus";
  bundle.publish(manifest);
  for (const char* asked : {"abacus", "auto"}) {
    TensorFlowPerformanceCell cell;
    CellOptions options;
    options.engine = asked;
    options.verify = Verify::kFull;
    cell.initialize(options);
    cell.loadModel(bundle.path());
    EXPECT_EQ(cell.engine(), "abacus");
    float x[] = {1, -2, 5, 0};
    float y[4];
    float z[4];
    std::vector<TensorView> outputs = {TensorView::of(y, {2, 2}), TensorView::of(z, {2, 2})};
    cell.inference(std::vector<TensorView>{TensorView::of(x, {2, 2})}, outputs);
    EXPECT_EQ(y[2], 10);
    EXPECT_EQ(z[1], 1);
  }
}

TEST(Listed, LinksTheLastWordInItsOwnWay) {
  EXPECT_EQ(listed({}, " or "), "");
  EXPECT_EQ(listed({"a"}, " or "), "a");
  EXPECT_EQ(listed({"a", "b", "c"}, " or "), "a, b or c");
}

TEST(LoadModel, NamesAnEngineThatIsNotInThisBuild) {
  EXPECT_AIOS_ERROR(
      loadModel({}, artifactFor("abacus"), {}), kNotFound,
      "engine 'abacus' isn't part of this build; it has: compiled, litert, openvino, tensorflow");
}

}  // namespace
}  // namespace aios::engines
