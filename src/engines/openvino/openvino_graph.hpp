// A graph that OpenVINO has read, and its compiled models: one per shape and, where memory allows,
// per session.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "bundle/manifest.hpp"
#include "engines/openvino/openvino_api.hpp"

namespace aios::engines::openvino {

// A signature's tensors by the graph's own names, in the signature's order.
struct GraphBinding {
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  std::vector<DType> output_dtypes;
};

using Shapes = std::vector<std::vector<int64_t>>;
Shapes shapesOf(Span<const TensorView> views);

// Immutable. OpenVINO runs the requests of one compiled model one after another.
class CompiledGraph {
 public:
  CompiledGraph(const Runtime& runtime, SharedCore core, CompiledModel* compiled)
      : runtime_(runtime), core_(std::move(core)), compiled_(compiled) {}
  ~CompiledGraph() { runtime_.api.freeCompiledModel(compiled_); }
  CompiledGraph(const CompiledGraph&) = delete;
  CompiledGraph& operator=(const CompiledGraph&) = delete;

  const Runtime& runtime() const noexcept { return runtime_; }
  CompiledModel* get() const noexcept { return compiled_; }

 private:
  const Runtime& runtime_;
  SharedCore core_;
  CompiledModel* compiled_;
};

// Safe from any thread.
class GraphFile {
 public:
  // A .tflite file or a SavedModel directory. `precision` is the artifact's: what the graph must
  // calculate in. Throws Unsupported if OpenVINO can't read it.
  GraphFile(const Runtime& runtime, SharedCore core, const std::filesystem::path& path,
            const std::string& precision, int threads);
  ~GraphFile();
  GraphFile(const GraphFile&) = delete;
  GraphFile& operator=(const GraphFile&) = delete;

  // Throws DataLoss unless the graph has the signature's tensors.
  GraphBinding bindingOf(const Signature& signature, const bundle::Graph& graph) const;

  // A compiled model for the shapes of `inputs`, of the configuration that is the fastest for them:
  // measured with these inputs the first time that the shapes come, which takes longer. Throws
  // Unsupported if OpenVINO can't compile it.
  std::shared_ptr<const CompiledGraph> compiledFor(const GraphBinding& binding,
                                                   Span<const TensorView> inputs);

 private:
  struct ShapeEntry;
  std::unique_ptr<CompiledGraph> compile(bool exclusive) const;
  void reshape(const GraphBinding& binding, const Shapes& shapes) const;
  std::shared_ptr<const CompiledGraph> fastest(ShapeEntry& entry, const GraphBinding& binding,
                                               Span<const TensorView> inputs) const;
  ShapeEntry& entryOf(const Shapes& shapes);
  std::shared_ptr<const CompiledGraph> sharedIfLarge(const ShapeEntry& entry) const;

  const Runtime& runtime_;
  SharedCore core_;
  std::string precision_;  // OpenVINO's name
  int threads_;
  uint64_t bytes_;
  OvModel* model_ = nullptr;
  std::mutex mutex_;
  std::vector<std::unique_ptr<ShapeEntry>> entries_;  // most recently used first
};

}  // namespace aios::engines::openvino
