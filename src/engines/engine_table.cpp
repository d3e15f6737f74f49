#include "engines/engine_table.hpp"

#include <atomic>
#include <mutex>

#include "aios/error.hpp"
#include "engines/compiled/compiled_engine.hpp"
#include "engines/litert/litert_model.hpp"
#include "engines/openvino/openvino_model.hpp"
#include "engines/phase.hpp"
#include "engines/tensorflow/tensorflow_model.hpp"

namespace aios::engines {
namespace {

constexpr EngineFacts compiledRow() {
  EngineFacts row;
  row.name = "compiled";
  row.machine_code = true;
  row.load = loadCompiledModel;
  return row;
}

constexpr EngineFacts liteRtRow() {
  EngineFacts row;
  row.name = "litert";
  row.library.vendor = "LiteRT";
  row.library.variable = "AIOS_LITERT_LIBRARY";
  row.library.soname = "libLiteRt.so";
  row.library.package = "ai_edge_litert";
  row.library.file = "libLiteRt.so";
  row.library.wheels = "ai-edge-litert";
  row.library.tested = "2.3";
  row.library.option = &CellOptions::litert_library;
  row.runs_anywhere = true;
  row.precisions = {"float32", "float16", "int8"};
  row.load = loadLiteRtModel;
  return row;
}

constexpr EngineFacts openVinoRow() {
  EngineFacts row;
  row.name = "openvino";
  row.library.vendor = "OpenVINO";
  row.library.variable = "AIOS_OPENVINO_LIBRARY";
  row.library.soname = "libopenvino_c.so";
  row.library.package = "openvino";
  row.library.file = "libs/libopenvino_c.so*";
  row.library.wheels = "openvino";
  row.library.tested = "2026.4";
  row.library.option = &CellOptions::openvino_library;
  row.starts_threads = true;
  row.survives_fork = false;
  row.precisions = {"float32", "bfloat16"};
  row.load = loadOpenVinoModel;
  return row;
}

constexpr EngineFacts tensorFlowRow() {
  EngineFacts row;
  row.name = "tensorflow";
  row.library.vendor = "TensorFlow";
  row.library.variable = "AIOS_TENSORFLOW_LIBRARY";
  row.library.soname = "libtensorflow_cc.so.2";
  row.library.package = "tensorflow";
  row.library.file = "libtensorflow_cc.so.2";
  row.library.wheels = "tensorflow-cpu tensorflow";
  row.library.tested = "2.21";
  row.library.option = &CellOptions::tensorflow_library;
  row.cost = "loading TensorFlow takes 0.3 s and 280 MB";
  row.runs_anywhere = true;
  row.starts_threads = true;
  row.survives_fork = false;
  row.threads_variable = "TF_NUM_INTRAOP_THREADS";
  row.load = loadTensorFlowModel;
  row.describeSavedModel = describeSavedModel;
  return row;
}

constexpr std::size_t kShipped = 4;
// Readers never wait: rows beyond `count` are nobody's.
std::array<EngineFacts, kShipped + 4> rows = {compiledRow(), liteRtRow(), openVinoRow(),
                                              tensorFlowRow()};
std::atomic<std::size_t> count{kShipped};

}  // namespace

Span<const EngineFacts> engineTable() noexcept {
  return {rows.data(), count.load(std::memory_order_acquire)};
}

const EngineFacts* findEngine(const std::string& name) noexcept {
  for (const EngineFacts& row : engineTable()) {
    if (name == row.name) return &row;
  }
  return nullptr;
}

const EngineFacts& engineNamed(const std::string& name) {
  if (const EngineFacts* found = findEngine(name)) return *found;
  std::vector<std::string> known;
  for (const EngineFacts& row : engineTable()) known.emplace_back(row.name);
  throw Error(ErrorCode::kNotFound,
              "engine '" + name + "' isn't part of this build; it has: " + listed(known, ", "));
}

std::shared_ptr<const Model> loadModel(const bundle::Bundle& bundle,
                                       const bundle::Artifact& artifact,
                                       const EngineOptions& options) {
  const Phase phase("opening");
  return engineNamed(artifact.engine).load(bundle, artifact, options);
}

std::string listed(const std::vector<std::string>& words, const char* last_link) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i != 0) text += i + 1 == words.size() ? last_link : ", ";
    text += words[i];
  }
  return text;
}

void addEngine(const EngineFacts& row) {
  static std::mutex adding;
  const std::lock_guard<std::mutex> lock(adding);
  if (findEngine(row.name) != nullptr) {
    throw Error(ErrorCode::kInvalidArgument,
                std::string("engine '") + row.name + "' is there already");
  }
  const std::size_t place = count.load();
  if (place == rows.size()) {
    throw Error(ErrorCode::kOverloaded,
                "expected at most " + std::to_string(rows.size()) + " engines; remove one first");
  }
  rows[place] = row;
  count.store(place + 1, std::memory_order_release);
}

void removeAddedEngine() noexcept {
  if (count.load() > kShipped) count.fetch_sub(1);
}

}  // namespace aios::engines
