// One caller's view of a TensorFlow session.
#pragma once

#include <functional>
#include <vector>

#include "engines/engine.hpp"
#include "engines/tensorflow/tensorflow_api.hpp"

namespace aios::engines::tensorflow {

// A TensorFlow session and the graph tensors of one signature, in the signature's order.
struct SessionBinding {
  TfSession* session = nullptr;
  std::vector<TfOutput> inputs;
  std::vector<TfOutput> outputs;
};

class GraphSession final : public Session {
 public:
  // `fallback` gives the binding to use from then on if the first run fails.
  GraphSession(const Api& api, SessionBinding binding, std::function<SessionBinding()> fallback);

  void run(Span<const TensorView> inputs, Span<TensorView> outputs) override;
  std::vector<Tensor> answer(Span<const TensorView> inputs) override;

 private:
  class Tensors;
  void runInto(Span<const TensorView> inputs, Tensors& results);
  void runOnce(const Tensors& feeds, Tensors& results);
  TfTensor* feed(const TensorView& input);
  TfTensor* feedStrings(const TensorView& input);
  TensorView viewOf(TfTensor* tensor, std::vector<StringRef>& strings) const;

  const Api& api_;
  SessionBinding binding_;
  std::function<SessionBinding()> fallback_;
  bool proven_ = false;  // a run succeeded, or the fallback is in use
};

}  // namespace aios::engines::tensorflow
