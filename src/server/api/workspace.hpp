// The memory in which one thread answers calls, kept from call to call.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/endpoint.hpp"
#include "server/shadow.hpp"
#include "server/wire/tensor_buffer.hpp"

namespace aios::server::api {

// A call that was given less time than it is expected to take: nothing was done.
struct TakesLonger {};

// For one thread.
class Workspace {
 public:
  using Clock = std::chrono::steady_clock;

  // Gives every input of a signature an empty buffer.
  void start(const Signature& signature);
  wire::TensorBuffer& input(std::size_t index) noexcept { return inputs_[index]; }
  // Inputs may be given in any order, each once.
  void setShape(std::size_t index, Span<const int64_t> shape);
  // An input whose elements are elsewhere: in the request, which outlives the call.
  void give(std::size_t index, const TensorView& elements);
  // Keeps bytes that an input is read from until the next start().
  std::string_view keep(std::string bytes) { return kept_.emplace_back(std::move(bytes)); }
  bool hasInput(std::size_t index) const noexcept { return given_[index]; }
  Span<const TensorView> inputs() const noexcept { return input_views_; }

  // Throws InvalidArgument unless the inputs fit the signature, and Overloaded if the answer would
  // be too large. After it, batch() is set.
  void check(const runtime::Endpoint& endpoint);
  // Answers the inputs, which it checks. The outputs are valid until the next start(). Throws
  // TakesLonger where that is expected to take longer than it may, or nobody knows how long.
  Span<const TensorView> run(runtime::Endpoint& endpoint);
  void allow(double longest_us) noexcept { longest_us_ = longest_us; }
  // Whose inputs were given last; null before any.
  const Signature* signature() const noexcept { return signature_; }
  // Of what was checked last; 1 where inputs have none.
  int64_t batch() const noexcept { return batch_; }
  // When the model began and ended that; both zero where it wasn't run.
  Clock::time_point ranFrom() const noexcept { return ran_from_; }
  Clock::time_point ranTo() const noexcept { return ran_to_; }
  // Offers what was run last to a tap.
  void offerTo(ShadowTap& tap) const noexcept {
    if (endpoint_ != nullptr) tap.offer(*endpoint_, input_views_, output_views_, batch_);
  }

 private:
  void makeOutputs(const Signature& signature);

  std::vector<wire::TensorBuffer> inputs_;
  std::vector<wire::TensorBuffer> outputs_;
  std::deque<std::string> kept_;  // a deque's strings stay where they are
  std::vector<bool> given_;
  std::vector<TensorView> input_views_;
  std::vector<TensorView> output_views_;
  std::vector<Tensor> answers_;                  // of outputs whose shapes only the answer tells
  const runtime::Endpoint* endpoint_ = nullptr;  // of what was run since start()
  const Signature* signature_ = nullptr;
  int64_t batch_ = 1;
  Clock::time_point ran_from_;
  Clock::time_point ran_to_;
  double longest_us_ = std::numeric_limits<double>::infinity();
};

}  // namespace aios::server::api
