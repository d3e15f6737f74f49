// Engine `openvino`: runs a .tflite file or a SavedModel through OpenVINO's C API on the CPU.
#pragma once

#include "engines/engine.hpp"

namespace aios::engines {

std::shared_ptr<const Model> loadOpenVinoModel(const bundle::Bundle& bundle,
                                               const bundle::Artifact& artifact,
                                               const EngineOptions& options);

}  // namespace aios::engines
