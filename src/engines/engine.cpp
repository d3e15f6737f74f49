#include "engines/engine.hpp"

#include <algorithm>

#include "aios/error.hpp"

namespace aios::engines {
void requireSameShape(const TensorView& answer, const TensorView& output, std::size_t index) {
  const Span<const int64_t> got = answer.shape();
  const Span<const int64_t> expected = output.shape();
  if (answer.dtype() == output.dtype() && got.size() == expected.size() &&
      std::equal(got.begin(), got.end(), expected.begin())) {
    return;
  }
  throw Error(ErrorCode::kInvalidArgument, "output " + std::to_string(index) + ": the answer is " +
                                               describe(answer) + ", the memory given for it is " +
                                               describe(output));
}

void Session::bind(Span<const TensorView> inputs, Span<TensorView> outputs) {
  bound_inputs_ = inputs;
  bound_outputs_ = outputs;
}

void Session::runBound() { run(bound_inputs_, bound_outputs_); }

std::vector<Tensor> Session::answer(Span<const TensorView> /*inputs*/) {
  throw Error(
      ErrorCode::kUnsupported,
      "this engine needs outputs whose shapes are known before the call; use another engine");
}

}  // namespace aios::engines
