// A model that answers frame by frame, and keeps its state from one to the next.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "runtime/bound_call.hpp"

namespace aios::runtime {

// `batch` streams that go on together. For one thread at a time. Keeps its model.
class Stream {
 public:
  // Throws what LoadedModel::stepModel throws, and InvalidArgument for a batch below 1.
  Stream(LoadedModel& whole, int64_t batch);
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // What a step takes and gives: [batch, any number of frames, …].
  const Signature& signature() const noexcept { return signature_; }
  // What is kept, [batch, …]; the names are the step's own.
  const std::vector<TensorSpec>& states() const noexcept { return states_; }

  // Answers a block of frames [batch, frames, …], or one frame [batch, …] as each tensor's rank
  // says. Allocates nothing, takes no lock, makes no system call. Throws InvalidArgument, and then
  // keeps what it had.
  void step(Span<const TensorView> inputs, Span<TensorView> outputs);
  // How many frames the inputs have, and whether they are a block; throws as step().
  struct Block {
    int64_t frames;
    bool has_time;
  };
  Block checkInputs(Span<const TensorView> inputs) const;
  // What a step of so many frames is expected to take.
  double expectedUs(int64_t frames) const noexcept {
    return turns_[0]->expectedUs() * static_cast<double>(frames);
  }

  // Forgets every frame.
  void reset() noexcept;
  // The states as they are, in the order of states(); they change with the next step.
  std::vector<TensorView> state() const;
  // Goes on from states that state() gave. Throws InvalidArgument, and then keeps what it had.
  void restore(Span<const TensorView> state);

 private:
  // A tensor of one frame that the step is bound to.
  struct Frame {
    Tensor tensor;
    std::size_t bytes;  // of one stream's
  };

  static Frame frameOf(const TensorSpec& spec, int64_t batch);
  void describe(const Signature& step, const bundle::StreamRecord& record);
  void bind(const std::shared_ptr<LoadedModel>& model, const bundle::StreamRecord& record);
  Block checkBlock(const char* role, const std::vector<TensorSpec>& specs,
                   Span<const TensorView> tensors) const;
  void takeFrame(Span<const TensorView> inputs, int64_t frame, int64_t frames) noexcept;
  void giveFrame(Span<TensorView> outputs, int64_t frame, int64_t frames) const noexcept;

  const int64_t batch_;
  Signature signature_;
  std::vector<TensorSpec> states_;
  std::vector<Frame> inputs_;
  std::vector<Frame> outputs_;
  // Two of each: a step reads one and writes the other, then they change places.
  std::array<std::vector<Tensor>, 2> kept_;
  std::array<std::unique_ptr<BoundCall>, 2> turns_;
  std::size_t now_ = 0;
};

}  // namespace aios::runtime
