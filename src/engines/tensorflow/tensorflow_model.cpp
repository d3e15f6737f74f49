#include "engines/tensorflow/tensorflow_model.hpp"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "aios/error.hpp"
#include "bundle/file_content.hpp"
#include "engines/phase.hpp"
#include "engines/tensorflow/config_proto.hpp"
#include "engines/tensorflow/meta_graph.hpp"
#include "engines/tensorflow/tensorflow_api.hpp"
#include "engines/tensorflow/tensorflow_session.hpp"

namespace aios::engines {
namespace tensorflow {
namespace {

// A SavedModel's directory and tags, or a frozen graph.
struct GraphSource {
  std::filesystem::path path;
  std::vector<std::string> tags;
  std::optional<bundle::FileContent> frozen;
};

// Whether fusing a few operators isn't worth the copies of the weights that it takes.
bool isHeavy(const GraphSource& source) {
  constexpr std::size_t kHeavyBytes = std::size_t{256} << 20;
  return source.frozen && source.frozen->size() > kHeavyBytes;
}

// The graph and session of one of them.
class LoadedGraph {
 public:
  LoadedGraph(const Api& api, const GraphSource& source, int threads, bool single_threaded_executor)
      : api_(api), graph_(api.newGraph()) {
    const Phase phase("reading");
    const std::string config = configProto({threads, single_threaded_executor, !isHeavy(source)});
    const std::unique_ptr<TfSessionOptions, void (*)(TfSessionOptions*)> options(
        api.newSessionOptions(), api.deleteSessionOptions);
    const Status status(api);
    api.setConfig(options.get(), config.data(), config.size(), status.get());
    try {
      status.check("take its options");
      if (source.frozen) {
        importFrozen(source, options.get());
      } else {
        loadSavedModel(source, options.get());
      }
    } catch (...) {
      api.deleteGraph(graph_);
      throw;
    }
  }

  ~LoadedGraph() {
    const Status status(api_);
    api_.closeSession(session_, status.get());
    api_.deleteSession(session_, status.get());
    api_.deleteGraph(graph_);
  }
  LoadedGraph(const LoadedGraph&) = delete;
  LoadedGraph& operator=(const LoadedGraph&) = delete;

  const Api& api() const { return api_; }
  TfSession* session() const { return session_; }
  const std::string& metaGraph() const { return meta_graph_; }

  // "name:0" → an operation's output. Throws DataLoss if the graph has none of that name.
  TfOutput output(const std::string& name) const {
    const std::size_t colon = name.rfind(':');
    const std::string operation = name.substr(0, colon);
    const int index = colon == std::string::npos ? 0 : std::atoi(name.c_str() + colon + 1);
    TfOperation* found = api_.operationByName(graph_, operation.c_str());
    if (found == nullptr) {
      throw Error(ErrorCode::kDataLoss, "the TensorFlow graph has no tensor '" + name +
                                            "' that the manifest names; export the bundle again");
    }
    return {found, index};
  }

 private:
  void loadSavedModel(const GraphSource& source, const TfSessionOptions* options) {
    std::vector<const char*> tag_pointers;
    for (const std::string& tag : source.tags) tag_pointers.push_back(tag.c_str());
    TF_Buffer* meta_graph = api_.newBuffer();
    const Status status(api_);
    session_ = api_.loadSavedModel(options, nullptr, source.path.c_str(), tag_pointers.data(),
                                   static_cast<int>(tag_pointers.size()), graph_, meta_graph,
                                   status.get());
    meta_graph_.assign(static_cast<const char*>(meta_graph->data), meta_graph->length);
    api_.deleteBuffer(meta_graph);
    status.check("load the SavedModel '" + source.path.string() + "'");
  }

  void importFrozen(const GraphSource& source, const TfSessionOptions* options) {
    const TF_Buffer definition{source.frozen->data(), source.frozen->size(), nullptr};
    const std::unique_ptr<TfImportOptions, void (*)(TfImportOptions*)> import(
        api_.newImportOptions(), api_.deleteImportOptions);
    const Status status(api_);
    api_.importGraphDef(graph_, &definition, import.get(), status.get());
    status.check("read '" + source.path.string() + "'");
    session_ = api_.newSession(graph_, options, status.get());
    status.check("start a session on '" + source.path.string() + "'");
  }

  const Api& api_;
  TfGraph* graph_;
  TfSession* session_ = nullptr;
  std::string meta_graph_;
};

// The single-threaded executor can't even load some graphs: those of reference variables.
std::unique_ptr<LoadedGraph> loadLeniently(const Api& api, const GraphSource& source, int threads) {
  try {
    return std::make_unique<LoadedGraph>(api, source, threads, true);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kNotFound) throw;
    return std::make_unique<LoadedGraph>(api, source, threads, false);
  }
}

SessionBinding bindingOf(const LoadedGraph& loaded, const bundle::Graph& graph,
                         const Signature& signature) {
  SessionBinding binding;
  binding.session = loaded.session();
  const auto find = [&](const std::map<std::string, std::string>& names, const TensorSpec& spec) {
    const auto found = names.find(spec.name);
    return loaded.output(found == names.end() ? spec.name : found->second);
  };
  for (const TensorSpec& spec : signature.inputs) {
    binding.inputs.push_back(find(graph.inputs, spec));
  }
  for (const TensorSpec& spec : signature.outputs) {
    binding.outputs.push_back(find(graph.outputs, spec));
  }
  return binding;
}

class ArtifactModel final : public Model {
 public:
  ArtifactModel(const bundle::Bundle& bundle, const bundle::Artifact& artifact,
                const EngineOptions& options)
      : api_(api(options.library)),
        bundle_(bundle),
        artifact_(artifact),
        graphs_(artifact.graphs),
        threads_(options.threads) {
    for (const bundle::Graph& graph : graphs_) {
      if (fast_.count(graph.path) != 0) continue;
      fast_.emplace(graph.path, loadLeniently(api_, sourceOf(graph.path), threads_));
    }
  }

  std::unique_ptr<Session> newSession(const Signature& signature) const override {
    const bundle::Graph& graph = graphOf(signature);
    const auto fallback = [this, graph, signature] {
      return bindingOf(*robust(graph.path), graph, signature);
    };
    return std::make_unique<GraphSession>(api_, bindingOf(*fast_.at(graph.path), graph, signature),
                                          fallback);
  }

 private:
  const bundle::Graph& graphOf(const Signature& signature) const {
    for (const bundle::Graph& graph : graphs_) {
      if (graph.signature.empty() || graph.signature == signature.name) return graph;
    }
    throw Error(ErrorCode::kUnsupported, "engine 'tensorflow' has no graph for signature '" +
                                             signature.name + "'; use another engine");
  }

  GraphSource sourceOf(const std::string& path) const {
    const bool is_file = std::any_of(artifact_.files.begin(), artifact_.files.end(),
                                     [&](const auto& file) { return file.path == path; });
    GraphSource source{bundle_.reach(path), {"serve"}, std::nullopt};
    if (is_file) source.frozen = bundle::FileContent::forReading(*bundle_.files, path);
    return source;
  }

  // The default executor runs what the single-threaded one refuses; loaded when first needed.
  const LoadedGraph* robust(const std::string& path) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::unique_ptr<LoadedGraph>& slot = robust_[path];
    if (slot) return slot.get();
    bundle::requireUnchanged(bundle_, artifact_);
    auto loaded = std::make_unique<LoadedGraph>(api_, sourceOf(path), threads_, false);
    bundle::requireUnchanged(bundle_, artifact_);
    slot = std::move(loaded);
    return slot.get();
  }

  const Api& api_;
  const bundle::Bundle& bundle_;
  const bundle::Artifact& artifact_;
  std::vector<bundle::Graph> graphs_;
  int threads_;
  std::map<std::string, std::unique_ptr<LoadedGraph>> fast_;
  mutable std::mutex mutex_;
  mutable std::map<std::string, std::unique_ptr<LoadedGraph>> robust_;
};

}  // namespace
}  // namespace tensorflow

std::shared_ptr<const Model> loadTensorFlowModel(const bundle::Bundle& bundle,
                                                 const bundle::Artifact& artifact,
                                                 const EngineOptions& options) {
  return std::make_shared<tensorflow::ArtifactModel>(bundle, artifact, options);
}

bundle::Bundle describeSavedModel(const std::string& directory,
                                  const std::vector<std::string>& tags,
                                  const EngineOptions& options) {
  const auto loaded = tensorflow::loadLeniently(tensorflow::api(options.library),
                                                {directory, tags, std::nullopt}, options.threads);
  bundle::Bundle bundle;
  bundle.directory = directory;
  bundle::Artifact artifact;
  artifact.engine = "tensorflow";
  artifact.target = "any";
  artifact.precision = "float32";
  artifact.verdict = bundle::Verdict::kPassed;
  for (tensorflow::SignatureDef& def : tensorflow::readSignatures(loaded->metaGraph())) {
    def.graph.path = ".";
    bundle.signatures.push_back(std::move(def.signature));
    artifact.graphs.push_back(std::move(def.graph));
  }
  if (bundle.signatures.empty()) {
    throw Error(ErrorCode::kUnsupported, "SavedModel '" + directory +
                                             "' has no signature that a cell can call; save it "
                                             "with signatures=…");
  }
  bundle.artifacts.push_back(std::move(artifact));
  return bundle;
}

}  // namespace aios::engines
