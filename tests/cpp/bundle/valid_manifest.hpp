// A manifest that breaks no rule, for tests to break one.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "bundle/manifest.hpp"
#include "bundle/temporary_directory.hpp"
#include "expect_error.hpp"

namespace aios::bundle {

using Json = nlohmann::json;

inline Json validManifest() {
  return Json::parse(R"({
    "format_version": 1,
    "signatures": [{"name": "serving_default",
                    "inputs": [{"name": "x", "dtype": "float32", "shape": [-1, 4]}],
                    "outputs": [{"name": "y", "dtype": "float32", "shape": [-1, 2]}]}],
    "artifacts": [{"engine": "litert", "target": "any", "precision": "float32",
                   "verdict": "passed", "reason": null, "max_error": 1e-6,
                   "tolerance": {"absolute": 1e-5, "relative": 1e-4}, "composable": true,
                   "graphs": [{"path": "litert/m.tflite", "batch": 8, "signature": null,
                               "inputs": {"x": "x:0"}, "outputs": {}}],
                   "files": [{"path": "litert/m.tflite", "bytes": 3, "sha256":
                     "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}]}],
    "files": [{"path": "golden.safetensors", "bytes": 0, "sha256":
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}],
    "golden": "golden.safetensors"})");
}

inline void publish(const TemporaryDirectory& directory, const std::string& text) {
  directory.write("manifest.json", text);
  directory.write("manifest.sha256", sha256Hex(text.data(), text.size()) + "\n");
}

inline void expectMalformed(const Json& manifest, const std::string& part) {
  const TemporaryDirectory directory;
  publish(directory, manifest.dump());
  EXPECT_AIOS_ERROR(readBundle(directory.path()), kDataLoss, part);
}

}  // namespace aios::bundle
