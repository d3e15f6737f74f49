#include "engines/engine.hpp"

#include <array>

#include "aios/error.hpp"
#include "engines/litert/litert_model.hpp"

namespace aios::engines {
namespace {

using Loader = std::shared_ptr<const Model> (*)(const bundle::Bundle&, const bundle::Artifact&,
                                                const EngineOptions&);

struct EngineRow {
  const char* name;
  Loader load;
};

constexpr std::array<EngineRow, 1> kEngines = {{{"litert", loadLiteRtModel}}};

}  // namespace

std::shared_ptr<const Model> loadModel(const bundle::Bundle& bundle,
                                       const bundle::Artifact& artifact,
                                       const EngineOptions& options) {
  std::string known;
  for (const EngineRow& engine : kEngines) {
    if (artifact.engine == engine.name) return engine.load(bundle, artifact, options);
    known += std::string(known.empty() ? "" : ", ") + engine.name;
  }
  throw Error(ErrorCode::kNotFound,
              "engine '" + artifact.engine + "' isn't part of this build; it has: " + known);
}

}  // namespace aios::engines
