// What every engine implements: artifacts become models, models lend sessions.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "aios/signature.hpp"
#include "bundle/manifest.hpp"

namespace aios::engines {

struct EngineOptions {
  int threads = 1;
  std::string library;  // path of the vendor's library; empty: environment, then loader's path
};

// The mutable state of one caller. Not safe for use from two threads at once.
class Session {
 public:
  virtual ~Session() = default;
  // The tensors are already checked against the signature and have the same batch. The first call
  // of a batch size may allocate and be slow; later ones are neither.
  virtual void run(Span<const TensorView> inputs, Span<TensorView> outputs) = 0;
  // For a caller that gives the same tensors every time: bind() once, then runBound(), which is
  // run() with them. They stay the caller's and must outlive the calls.
  virtual void bind(Span<const TensorView> inputs, Span<TensorView> outputs);
  virtual void runBound();
  // The same, for outputs whose shape only the answer tells. Throws Unsupported by default.
  virtual std::vector<Tensor> answer(Span<const TensorView> inputs);
  // Bytes copied so far between the caller's memory and the engine's own.
  std::uint64_t stagedBytes() const noexcept { return staged_bytes_; }

 protected:
  std::uint64_t staged_bytes_ = 0;

 private:
  Span<const TensorView> bound_inputs_;
  Span<TensorView> bound_outputs_;
};

// A loaded artifact: immutable, shared by its sessions, safe from any thread.
class Model {
 public:
  virtual ~Model() = default;
  virtual std::unique_ptr<Session> newSession(const Signature& signature) const = 0;
};

// Throws InvalidArgument unless the caller's output has the shape of the engine's answer.
void requireSameShape(const TensorView& answer, const TensorView& output, std::size_t index);

}  // namespace aios::engines
