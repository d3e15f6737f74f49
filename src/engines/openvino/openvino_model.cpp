#include "engines/openvino/openvino_model.hpp"

#include <utility>

#include "aios/error.hpp"
#include "engines/openvino/openvino_graph.hpp"
#include "engines/openvino/openvino_session.hpp"
#include "engines/sized_session.hpp"

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
      files_.push_back(std::make_unique<GraphFile>(loaded, core, bundle.reach(graph.path),
                                                   artifact.precision, options.threads));
    }
  }

  std::unique_ptr<Session> newSession(const Signature& signature) const override {
    return sessionOf("openvino", graphs_, signature, composable_,
                     [this, signature](std::size_t graph) {
                       return std::make_unique<GraphSession>(
                           *files_[graph], files_[graph]->bindingOf(signature, graphs_[graph]));
                     });
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
