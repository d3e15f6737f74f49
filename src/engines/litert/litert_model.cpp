#include "engines/litert/litert_model.hpp"

#include <algorithm>
#include <utility>

#include "aios/error.hpp"
#include "bundle/file_content.hpp"
#include "engines/litert/litert_session.hpp"
#include "engines/phase.hpp"
#include "engines/sized_session.hpp"

namespace aios::engines {
namespace litert {
namespace {

// LiteRT's own order is alphabetical: find each of our tensors by name.
template <typename NameOf>
std::vector<std::size_t> slotsByName(const std::vector<TensorSpec>& specs, std::size_t count,
                                     NameOf name_of, const char* role) {
  std::vector<std::size_t> slots;
  for (const TensorSpec& spec : specs) {
    std::size_t slot = 0;
    while (slot < count && name_of(slot) != spec.name) ++slot;
    if (slot == count || count != specs.size()) {
      throw Error(ErrorCode::kDataLoss, std::string("the .tflite file's ") + role +
                                            "s don't match the manifest at '" + spec.name +
                                            "'; export the bundle again");
    }
    slots.push_back(slot);
  }
  return slots;
}

// One .tflite file.
class FileModel {
 public:
  FileModel(const Runtime& runtime, const bundle::Directory& directory, const std::string& file,
            int threads)
      : runtime_(runtime),
        threads_(threads),
        content_(bundle::FileContent::copied(directory, file)) {
    const Phase phase("reading");
    const Status status = runtime.api.createModelFromBuffer(runtime.environment, content_.data(),
                                                            content_.size(), &model_);
    if (status != kOk) {
      throw Error(ErrorCode::kDataLoss, "engine 'litert' can't read '" + file +
                                            "': LiteRT status " + std::to_string(status) +
                                            "; export the bundle again");
    }
  }
  ~FileModel() { runtime_.api.destroyModel(model_); }
  FileModel(const FileModel&) = delete;
  FileModel& operator=(const FileModel&) = delete;

  std::unique_ptr<Session> newSession(const Signature& signature) const {
    return std::make_unique<FileSession>(runtime_, model_, threads_, bindingOf(signature));
  }

 private:
  LiteRtSignature findSignature(const std::string& key, std::size_t* index) const {
    const Api& api = runtime_.api;
    std::size_t count = 0;
    check(api.getNumSignatures(model_, &count), "count signatures");
    for (*index = 0; *index < count; ++*index) {
      LiteRtSignature candidate = nullptr;
      const char* name = nullptr;
      check(api.getSignature(model_, *index, &candidate), "read a signature");
      check(api.getSignatureKey(candidate, &name), "read a signature's name");
      if (key == name) return candidate;
    }
    throw Error(ErrorCode::kDataLoss,
                "the .tflite file has no signature '" + key + "'; export the bundle again");
  }

  SignatureBinding bindingOf(const Signature& signature) const {
    const Api& api = runtime_.api;
    SignatureBinding binding;
    LiteRtSignature found = findSignature(signature.name, &binding.index);
    std::size_t inputs = 0;
    std::size_t outputs = 0;
    check(api.getNumInputs(found, &inputs), "count inputs");
    check(api.getNumOutputs(found, &outputs), "count outputs");
    const auto input_name = [&](std::size_t slot) {
      const char* name = nullptr;
      check(api.getInputName(found, slot, &name), "read an input's name");
      return std::string(name);
    };
    const auto output_name = [&](std::size_t slot) {
      const char* name = nullptr;
      check(api.getOutputName(found, slot, &name), "read an output's name");
      return std::string(name);
    };
    binding.input_slots = slotsByName(signature.inputs, inputs, input_name, "input");
    binding.output_slots = slotsByName(signature.outputs, outputs, output_name, "output");
    for (std::size_t i = 0; i < inputs; ++i) {
      LiteRtTensor tensor = nullptr;
      check(api.getInputTensor(found, binding.input_slots[i], &tensor), "read an input");
      binding.input_layouts.push_back(layoutOf(tensor, signature.inputs[i]));
    }
    for (std::size_t i = 0; i < outputs; ++i) {
      LiteRtTensor tensor = nullptr;
      check(api.getOutputTensor(found, binding.output_slots[i], &tensor), "read an output");
      layoutOf(tensor, signature.outputs[i]);
      binding.output_dtypes.push_back(signature.outputs[i].dtype);
      const std::vector<int64_t>& shape = signature.outputs[i].shape;
      binding.outputs_vary =
          binding.outputs_vary ||
          (!shape.empty() && std::find(shape.begin() + 1, shape.end(), kAnySize) != shape.end());
    }
    return binding;
  }

  // Throws unless the tensor has the manifest's dtype and rank.
  Layout layoutOf(LiteRtTensor tensor, const TensorSpec& spec) const {
    RankedTensorType type{};
    check(runtime_.api.getRankedTensorType(tensor, &type), "read a tensor's type");
    if (dtypeFromElementType(type.element_type) == spec.dtype &&
        type.layout.rank == spec.shape.size()) {
      return type.layout;
    }
    throw Error(ErrorCode::kDataLoss, "the .tflite file's tensor '" + spec.name +
                                          "' isn't the manifest's " + describe(spec) +
                                          "; export the bundle again");
  }

  const Runtime& runtime_;
  LiteRtModel model_ = nullptr;
  int threads_;
  const bundle::FileContent content_;  // what the model reads its constants from
};

// All graphs of an artifact; each takes any batch, or one.
class ArtifactModel final : public Model {
 public:
  ArtifactModel(const bundle::Bundle& bundle, const bundle::Artifact& artifact,
                const EngineOptions& options)
      : graphs_(artifact.graphs), composable_(artifact.composable) {
    for (const bundle::Graph& graph : graphs_) {
      files_.push_back(std::make_unique<FileModel>(runtime(options.library), *bundle.files,
                                                   graph.path, options.threads));
    }
  }

  std::unique_ptr<Session> newSession(const Signature& signature) const override {
    return sessionOf(
        "litert", graphs_, signature, composable_,
        [this, signature](std::size_t graph) { return files_[graph]->newSession(signature); });
  }

 private:
  std::vector<bundle::Graph> graphs_;
  bool composable_;
  std::vector<std::unique_ptr<const FileModel>> files_;
};

}  // namespace
}  // namespace litert

std::shared_ptr<const Model> loadLiteRtModel(const bundle::Bundle& bundle,
                                             const bundle::Artifact& artifact,
                                             const EngineOptions& options) {
  return std::make_shared<litert::ArtifactModel>(bundle, artifact, options);
}

}  // namespace aios::engines
