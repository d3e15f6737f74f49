// One caller's compiled models, one per batch size, with their aligned staging buffers.
#pragma once

#include <memory>
#include <vector>

#include "engines/engine.hpp"
#include "engines/litert/litert_api.hpp"
#include "engines/litert/output_memory.hpp"

namespace aios::engines::litert {

// Where a signature's tensors stand in LiteRT's own order, and the shapes that the file gives its
// inputs.
struct SignatureBinding {
  std::size_t index = 0;
  std::vector<std::size_t> input_slots;
  std::vector<std::size_t> output_slots;
  std::vector<Layout> input_layouts;  // in the signature's order; a negative size is dynamic
  std::vector<DType> output_dtypes;   // in the signature's order
  bool outputs_vary = false;          // the shape of an output may depend on the inputs' values
};

using Shapes = std::vector<std::vector<int64_t>>;

// A compiled model resized to the shapes of one call. LiteRT gives wrong answers, without an
// error, when one compiled model is called from two threads: each belongs to one session.
class ShapedModel {
 public:
  ShapedModel(const Runtime& runtime, LiteRtModel model, int threads,
              const SignatureBinding& binding, Span<const TensorView> inputs);
  ~ShapedModel();
  ShapedModel(const ShapedModel&) = delete;
  ShapedModel& operator=(const ShapedModel&) = delete;

  bool takes(Span<const TensorView> inputs) const noexcept;
  // Whether run() needs memory for outputs.
  bool needsMemory() const noexcept { return !learned_ || binding_.outputs_vary; }
  // Copies the inputs in, runs, and gives the answers, which last until the next call. `memory` is
  // null, or what needsMemory() asks for: the same in every call; models that run in turns share
  // it. Throws Unsupported if LiteRT can't run the graph for these shapes.
  Span<const TensorView> run(Span<const TensorView> inputs, const OutputMemory* memory);

 private:
  void compile(LiteRtModel model, int threads);
  void resizeInputs(Span<const TensorView> inputs);
  void stageInputs(Span<const TensorView> inputs);
  void stageOutputs(const Shapes& shapes);
  Shapes outputShapes(bool update) const;
  void learn(const OutputMemory& memory);
  void bindRoomy(const OutputMemory& memory);
  void viewRoomy(const OutputMemory& memory);
  void requireWritten();
  void runOnce();
  void release() noexcept;
  void releaseOutputs() noexcept;
  TensorBuffer stage(const TensorView& like, std::size_t bytes);

  const Runtime& runtime_;
  const SignatureBinding& binding_;
  CompiledModel compiled_ = nullptr;
  Shapes input_shapes_;
  bool learned_ = false;             // a run told the shapes of the outputs
  std::vector<TensorView> answers_;  // in the signature's order
  // In the signature's order; they own the memory that the buffers of the same slot borrow.
  std::vector<Tensor> staged_inputs_;
  std::vector<Tensor> staged_outputs_;
  // In LiteRT's order.
  std::vector<TensorBuffer> input_buffers_;
  std::vector<TensorBuffer> output_buffers_;
};

class FileSession final : public Session {
 public:
  FileSession(const Runtime& runtime, LiteRtModel model, int threads, SignatureBinding binding);
  void run(Span<const TensorView> inputs, Span<TensorView> outputs) override;
  std::vector<Tensor> answer(Span<const TensorView> inputs) override;

 private:
  Span<const TensorView> answersTo(Span<const TensorView> inputs);

  const Runtime& runtime_;
  LiteRtModel model_;
  int threads_;
  SignatureBinding binding_;
  std::unique_ptr<OutputMemory> memory_;              // made when it is first needed
  std::vector<std::unique_ptr<ShapedModel>> shaped_;  // most recently used first
};

}  // namespace aios::engines::litert
