#include "engines/openvino/openvino_model.hpp"

#include <utility>

#include "aios/error.hpp"
#include "engines/composed_session.hpp"
#include "engines/openvino/openvino_graph.hpp"
#include "engines/openvino/openvino_session.hpp"

namespace aios::engines {
namespace openvino {
namespace {

// All graphs of an artifact; each takes any batch, or one.
class ArtifactModel final : public Model {
 public:
  ArtifactModel(const bundle::Bundle& bundle, const bundle::Artifact& artifact,
                const EngineOptions& options)
      : graphs_(artifact.graphs), composable_(artifact.composable) {
    const Runtime& loaded = runtime(options.library, options.threads);
    const SharedCore core = loaded.newCore();
    for (const bundle::Graph& graph : graphs_) {
      files_.push_back(std::make_unique<GraphFile>(loaded, core, bundle.directory / graph.path,
                                                   artifact.precision, options.threads));
    }
  }

  std::unique_ptr<Session> newSession(const Signature& signature) const override {
    std::vector<ComposedSession::Part> parts;
    for (std::size_t i = 0; i < graphs_.size(); ++i) {
      const bundle::Graph& graph = graphs_[i];
      if (!graph.signature.empty() && graph.signature != signature.name) continue;
      auto session =
          std::make_unique<GraphSession>(*files_[i], files_[i]->bindingOf(signature, graph));
      if (graph.batch == kAnySize) return session;
      parts.push_back({graph.batch, std::move(session)});
    }
    if (parts.empty()) {
      throw Error(ErrorCode::kUnsupported, "engine 'openvino' has no graph for signature '" +
                                               signature.name + "'; use another engine");
    }
    return std::make_unique<ComposedSession>(std::move(parts), composable_);
  }

 private:
  std::vector<bundle::Graph> graphs_;
  bool composable_;
  std::vector<std::unique_ptr<GraphFile>> files_;
};

}  // namespace
}  // namespace openvino

std::shared_ptr<const Model> loadOpenVinoModel(const bundle::Bundle& bundle,
                                               const bundle::Artifact& artifact,
                                               const EngineOptions& options) {
  return std::make_shared<openvino::ArtifactModel>(bundle, artifact, options);
}

}  // namespace aios::engines
