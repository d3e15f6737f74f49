// Engine `litert`: runs a .tflite file through LiteRT's C API on the CPU.
#pragma once

#include "engines/engine.hpp"

namespace aios::engines {

std::shared_ptr<const Model> loadLiteRtModel(const bundle::Bundle& bundle,
                                             const bundle::Artifact& artifact,
                                             const EngineOptions& options);

}  // namespace aios::engines
