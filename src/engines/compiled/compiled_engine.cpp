#include "engines/compiled/compiled_engine.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <utility>

#include "aios/compiled_model.h"
#include "aios/error.hpp"
#include "bundle/file_content.hpp"
#include "core/dtype_codes.hpp"
#include "core/fork.hpp"
#include "engines/compiled/code_library.hpp"
#include "engines/compiled/cpu_features.hpp"
#include "engines/compiled/thread_team.hpp"
#include "engines/sized_session.hpp"

namespace aios::engines {
namespace compiled {
namespace {

constexpr auto kDTypes = dtypeCodes<int32_t>({{DType::kFloat32, AIOS_COMPILED_FLOAT32},
                                              {DType::kInt32, AIOS_COMPILED_INT32},
                                              {DType::kInt64, AIOS_COMPILED_INT64},
                                              {DType::kUInt8, AIOS_COMPILED_UINT8},
                                              {DType::kBool, AIOS_COMPILED_BOOL},
                                              {DType::kInt8, AIOS_COMPILED_INT8},
                                              {DType::kFloat16, AIOS_COMPILED_FLOAT16},
                                              {DType::kFloat64, AIOS_COMPILED_FLOAT64},
                                              {DType::kInt16, AIOS_COMPILED_INT16},
                                              {DType::kUInt16, AIOS_COMPILED_UINT16},
                                              {DType::kUInt32, AIOS_COMPILED_UINT32},
                                              {DType::kUInt64, AIOS_COMPILED_UINT64},
                                              {DType::kBFloat16, AIOS_COMPILED_BFLOAT16}});
static_assert(kDTypes.haveAllBut({DType::kString}));

[[noreturn]] void throwMisfit(const std::string& what) {
  throw Error(ErrorCode::kDataLoss,
              "the compiled artifact doesn't fit the manifest: " + what + "; export it again");
}

const aios_compiled_model& descriptorOf(const CodeLibrary& library) {
  const aios_compiled_model* model = library.descriptor();
  if (model == nullptr) throwMisfit("model.so has no symbol " AIOS_COMPILED_MODEL_SYMBOL);
  return *model;
}

void checkDescriptor(const aios_compiled_model& model) {
  if (model.abi_version != AIOS_COMPILED_MODEL_ABI_VERSION ||
      model.struct_size < sizeof(aios_compiled_model)) {
    throw Error(ErrorCode::kUnsupported, "the compiled artifact is of ABI version " +
                                             std::to_string(model.abi_version) + ", expected " +
                                             std::to_string(AIOS_COMPILED_MODEL_ABI_VERSION) +
                                             "; compile the bundle again");
  }
  const uint64_t missing = model.cpu_features & ~cpuFeatures();
  if (missing != 0) {
    throw Error(ErrorCode::kUnsupported, std::string("this processor lacks ") +
                                             featureNames(missing) + ", which the artifact for '" +
                                             model.target +
                                             "' needs; compile the bundle for this machine");
  }
}

// Whether code for sizes of `theirs` may serve `spec`. Each may leave a size open: the code the
// batch, the signature what the code is made for one of.
bool serves(const aios_compiled_tensor_spec& theirs, const TensorSpec& spec) {
  if (kDTypes.dtypeOf(theirs.dtype) != spec.dtype || theirs.rank != spec.shape.size()) return false;
  for (std::size_t axis = 0; axis < theirs.rank; ++axis) {
    const int64_t made_for = theirs.dims[axis];
    if (made_for != kAnySize && spec.shape[axis] != kAnySize && made_for != spec.shape[axis]) {
      return false;
    }
  }
  return true;
}

// Where each of the signature's tensors stands in the artifact's own order.
std::vector<std::size_t> slotsOf(const std::vector<TensorSpec>& specs,
                                 const aios_compiled_tensor_spec* const* theirs,
                                 std::size_t count) {
  if (count != specs.size()) throwMisfit("another number of tensors");
  std::vector<std::size_t> slots;
  for (const TensorSpec& spec : specs) {
    const auto* const* found = std::find_if(theirs, theirs + count, [&](const auto* candidate) {
      return spec.name == candidate->name;
    });
    if (found == theirs + count) throwMisfit("no tensor '" + spec.name + "'");
    if (!serves(**found, spec)) throwMisfit("tensor '" + spec.name + "' isn't " + describe(spec));
    slots.push_back(static_cast<std::size_t>(found - theirs));
  }
  return slots;
}

bool isBatched(const TensorSpec& spec) { return !spec.shape.empty() && spec.shape[0] == kAnySize; }

// A size of a tensor that the signature leaves open and the code is made for one of.
struct FixedSize {
  std::size_t tensor;  // its place in the signature
  std::size_t axis;
  int64_t size;
};

std::vector<FixedSize> fixedSizes(const std::vector<TensorSpec>& specs,
                                  const aios_compiled_tensor_spec* const* theirs,
                                  const std::vector<std::size_t>& slots) {
  std::vector<FixedSize> fixed;
  for (std::size_t i = 0; i < specs.size(); ++i) {
    for (std::size_t axis = 0; axis < specs[i].shape.size(); ++axis) {
      const int64_t size = theirs[slots[i]]->dims[axis];
      if (specs[i].shape[axis] == kAnySize && size != kAnySize) fixed.push_back({i, axis, size});
    }
  }
  return fixed;
}

class CompiledSession final : public Session {
 public:
  CompiledSession(const aios_compiled_model& model, const std::byte* weights,
                  const Signature& signature, bool any_batch, int threads)
      : model_(model),
        weights_(weights),
        any_batch_(any_batch),
        batched_(static_cast<std::size_t>(
            std::find_if(signature.inputs.begin(), signature.inputs.end(), isBatched) -
            signature.inputs.begin())),
        input_slots_(slotsOf(signature.inputs, model.inputs, model.input_count)),
        output_slots_(slotsOf(signature.outputs, model.outputs, model.output_count)),
        fixed_inputs_(fixedSizes(signature.inputs, model.inputs, input_slots_)),
        fixed_outputs_(fixedSizes(signature.outputs, model.outputs, output_slots_)),
        inputs_(signature.inputs.size()),
        outputs_(signature.outputs.size()),
        workspace_(DType::kUInt8, {threads * static_cast<int64_t>(model.workspace_bytes)}),
        team_(threads > 1 ? std::make_unique<ThreadTeam>(threads) : nullptr),
        parallel_(team_ == nullptr ? nullptr : team_->parallel()) {}

  void run(Span<const TensorView> inputs, Span<TensorView> outputs) override {
    bind(inputs, outputs);
    runBound();
  }

  std::vector<Tensor> answer(Span<const TensorView> inputs) override {
    const int64_t batch = batchOf(inputs);
    std::vector<Tensor> answers;
    for (const std::size_t slot : output_slots_) {
      const aios_compiled_tensor_spec& spec = *model_.outputs[slot];
      std::vector<int64_t> shape(spec.dims, spec.dims + spec.rank);
      if (!shape.empty() && shape[0] == kAnySize) shape[0] = batch;
      answers.emplace_back(kDTypes.dtypeOf(spec.dtype), shape);
    }
    std::vector<TensorView> views;
    for (const Tensor& tensor : answers) views.push_back(tensor.view());
    run(inputs, views);
    return answers;
  }

  void bind(Span<const TensorView> inputs, Span<TensorView> outputs) override {
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      inputs_[input_slots_[i]] = inputs[i].bytesData();
    }
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      outputs_[output_slots_[i]] = outputs[i].mutableData();
    }
    batch_ = batchOf(inputs);
    if (!any_batch_ && !isSpecialised(batch_)) throwNoCode();
    for (const FixedSize& fixed : fixed_inputs_) {
      if (inputs[fixed.tensor].dim(fixed.axis) != fixed.size) throwNoCode(inputs, fixed);
    }
    for (const FixedSize& fixed : fixed_outputs_) {
      if (outputs[fixed.tensor].dim(fixed.axis) != fixed.size) throwMemory(outputs, fixed);
    }
  }

  void runBound() override {
    const int32_t code = model_.run(inputs_.data(), outputs_.data(), batch_, weights_,
                                    workspace_.view().mutableData(), parallel_);
    if (code != AIOS_COMPILED_OK) throwNoCode();
  }

 private:
  int64_t batchOf(Span<const TensorView> inputs) const {
    return batched_ < inputs.size() ? inputs[batched_].dim(0) : 1;
  }
  [[noreturn]] static void throwNoCode(Span<const TensorView> inputs, const FixedSize& fixed) {
    throw Error(ErrorCode::kUnsupported, "the compiled artifact has no code for " +
                                             describe(inputs[fixed.tensor]) + ": it is made for " +
                                             std::to_string(fixed.size) + " in dimension " +
                                             std::to_string(fixed.axis) + "; use another engine");
  }
  [[noreturn]] static void throwMemory(Span<const TensorView> outputs, const FixedSize& fixed) {
    throw Error(ErrorCode::kInvalidArgument,
                "output " + std::to_string(fixed.tensor) + ": the answer has the size " +
                    std::to_string(fixed.size) + " in dimension " + std::to_string(fixed.axis) +
                    ", the memory given for it is " + describe(outputs[fixed.tensor]));
  }
  [[noreturn]] void throwNoCode() const {
    throw Error(ErrorCode::kUnsupported, "the compiled artifact has no code for a batch of " +
                                             std::to_string(batch_) + "; use another engine");
  }
  bool isSpecialised(int64_t batch) const {
    const int64_t* end = model_.batch_sizes + model_.batch_size_count;
    return std::find(model_.batch_sizes, end, batch) != end;
  }

  const aios_compiled_model& model_;
  const std::byte* weights_;
  bool any_batch_;
  std::size_t batched_;  // the first input of a batch; their number where none is
  std::vector<std::size_t> input_slots_;
  std::vector<std::size_t> output_slots_;
  std::vector<FixedSize> fixed_inputs_;
  std::vector<FixedSize> fixed_outputs_;
  std::vector<const void*> inputs_;
  std::vector<void*> outputs_;
  int64_t batch_ = 1;
  Tensor workspace_;  // of each lane
  std::unique_ptr<ThreadTeam> team_;
  const aios_compiled_parallel* parallel_;  // null: the caller's thread alone
};

// A model.so with its constants.
class Code {
 public:
  Code(const bundle::Directory& directory, const std::string& library,
       std::shared_ptr<const bundle::FileContent> weights)
      : library_(CodeLibrary::open(directory, library)),
        model_(descriptorOf(*library_)),
        weights_(std::move(weights)) {
    checkDescriptor(model_);
    if (weights_->size() != model_.weights_bytes) throwMisfit("weights.bin is of another size");
  }

  std::unique_ptr<Session> newSession(const Signature& signature, bool composable,
                                      int threads) const {
    return std::make_unique<CompiledSession>(model_, weights_->data(), signature,
                                             composable && model_.any_batch != 0, threads);
  }

 private:
  std::shared_ptr<const CodeLibrary> library_;
  const aios_compiled_model& model_;
  std::shared_ptr<const bundle::FileContent> weights_;
};

// The code for each of the sizes that an artifact is made for; most are made for one.
class ArtifactModel final : public Model {
 public:
  ArtifactModel(const bundle::Bundle& bundle, const bundle::Artifact& artifact, int threads)
      : graphs_(artifact.graphs), composable_(artifact.composable), threads_(threads) {
    // Sizes may share them.
    std::map<std::string, std::shared_ptr<const bundle::FileContent>> by_hash;
    for (const bundle::Graph& graph : graphs_) {
      const std::filesystem::path path = graph.path;
      const bundle::FileRecord& weights = hashed(artifact, path.parent_path() / "weights.bin");
      std::shared_ptr<const bundle::FileContent>& shared = by_hash[weights.sha256];
      if (!shared) {
        shared = std::make_shared<const bundle::FileContent>(
            bundle::FileContent::copied(*bundle.files, weights.path));
      }
      codes_.emplace_back(*bundle.files, graph.path, shared);
    }
  }

  std::unique_ptr<Session> newSession(const Signature& signature) const override {
    return sessionOf("compiled", graphs_, signature, composable_,
                     [this, signature](std::size_t graph) {
                       return codes_[graph].newSession(signature, composable_, threads_);
                     });
  }

 private:
  static const bundle::FileRecord& hashed(const bundle::Artifact& artifact,
                                          const std::filesystem::path& path) {
    const auto found = std::find_if(
        artifact.files.begin(), artifact.files.end(),
        [&](const bundle::FileRecord& file) { return file.path == path.generic_string(); });
    if (found == artifact.files.end()) {
      throwMisfit("'" + path.generic_string() + "' isn't among its files");
    }
    return *found;
  }

  std::vector<bundle::Graph> graphs_;
  bool composable_;
  int threads_;
  std::vector<Code> codes_;
};

}  // namespace
}  // namespace compiled

std::shared_ptr<const Model> loadCompiledModel(const bundle::Bundle& bundle,
                                               const bundle::Artifact& artifact,
                                               const EngineOptions& options) {
  const char* allowed = std::getenv("AIOS_ALLOW_NATIVE");
  if (allowed != nullptr && std::string(allowed) == "0") {
    throw Error(ErrorCode::kUnsupported,
                "engine 'compiled' is switched off by AIOS_ALLOW_NATIVE=0; unset it to run native "
                "code from bundles that you trust");
  }
  return std::make_shared<compiled::ArtifactModel>(bundle, artifact, options.threads);
}

}  // namespace aios::engines
