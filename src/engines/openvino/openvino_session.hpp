// One caller's requests, one per shape, bound to the caller's own memory.
#pragma once

#include <memory>
#include <vector>

#include "engines/engine.hpp"
#include "engines/openvino/openvino_graph.hpp"

namespace aios::engines::openvino {

// An infer request for one set of input shapes. The caller's memory stays bound after a call, and
// is touched only by the next call that brings it again: binding costs as much as a small model.
class ShapedRequest {
 public:
  ShapedRequest(std::shared_ptr<const CompiledGraph> compiled, const GraphBinding& binding,
                Span<const TensorView> inputs);
  ~ShapedRequest();
  ShapedRequest(const ShapedRequest&) = delete;
  ShapedRequest& operator=(const ShapedRequest&) = delete;

  bool takes(Span<const TensorView> inputs) const noexcept;
  void bindInputs(Span<const TensorView> inputs);
  // Binds the outputs too, runs, and returns the bytes that had to be copied: those of outputs
  // whose shapes only the answer tells.
  std::uint64_t run(Span<const TensorView> inputs, Span<TensorView> outputs);
  std::vector<Tensor> answer(Span<const TensorView> inputs, std::uint64_t& copied_bytes);
  // Runs on what is bound.
  void infer();

 private:
  struct Slot {
    Port* port = nullptr;
    const void* bound = nullptr;
    TensorView like;    // dtype and shape, of no memory
    bool known = true;  // the shape, before the call
  };
  void bind(Slot& slot, void* memory);
  void open(const GraphBinding& binding, Span<const TensorView> inputs);
  void release() noexcept;
  // Valid until the next call.
  TensorView ownAnswer(const Slot& slot) const;

  std::shared_ptr<const CompiledGraph> compiled_;
  const Api& api_;
  InferRequest* request_ = nullptr;
  std::vector<Slot> inputs_;
  std::vector<Slot> outputs_;
};

class GraphSession final : public Session {
 public:
  // `file` outlives the session.
  GraphSession(GraphFile& file, GraphBinding binding);
  void run(Span<const TensorView> inputs, Span<TensorView> outputs) override;
  std::vector<Tensor> answer(Span<const TensorView> inputs) override;

 private:
  ShapedRequest& requestFor(Span<const TensorView> inputs);

  GraphFile& file_;
  GraphBinding binding_;
  std::vector<std::unique_ptr<ShapedRequest>> requests_;  // most recently used first
};

}  // namespace aios::engines::openvino
