// Engine `compiled`: runs the shared object that the compiler made for one model
// (include/aios/compiled_model.h).
#pragma once

#include "engines/engine.hpp"

namespace aios::engines {

// Throws Unsupported if $AIOS_ALLOW_NATIVE is 0, or the processor lacks a feature
// or the artifact is of another ABI version, DataLoss if it doesn't fit the manifest.
std::shared_ptr<const Model> loadCompiledModel(const bundle::Bundle& bundle,
                                               const bundle::Artifact& artifact,
                                               const EngineOptions& options);

}  // namespace aios::engines
