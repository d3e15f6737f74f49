// Engine `tensorflow`: runs frozen graphs and SavedModels through TensorFlow's C API.
#pragma once

#include <string>
#include <vector>

#include "engines/engine.hpp"

namespace aios::engines {

std::shared_ptr<const Model> loadTensorFlowModel(const bundle::Bundle& bundle,
                                                 const bundle::Artifact& artifact,
                                                 const EngineOptions& options);

// A SavedModel directory that is no bundle: its signatures, read from its own MetaGraphDef, and the
// artifact that runs it. Throws NotFound if there is no SavedModel with these tags.
bundle::Bundle describeSavedModel(const std::string& directory,
                                  const std::vector<std::string>& tags,
                                  const EngineOptions& options);

}  // namespace aios::engines
