// Any batch size from graphs that are made for a few fixed ones.
#pragma once

#include <memory>
#include <vector>

#include "engines/engine.hpp"

namespace aios::engines {

// The graph sizes to run one after another for a batch, largest first; empty if they can't make it.
std::vector<int64_t> composeBatch(int64_t batch, const std::vector<int64_t>& sizes_descending);

// One session per fixed batch size; a call is cut along dimension 0 and run piece by piece.
class ComposedSession final : public Session {
 public:
  struct Part {
    int64_t batch;
    std::unique_ptr<Session> session;
  };
  // Without `composable`, only a batch that one part is made for is taken.
  ComposedSession(std::vector<Part> parts, bool composable);

  void run(Span<const TensorView> inputs, Span<TensorView> outputs) override;
  std::vector<Tensor> answer(Span<const TensorView> inputs) override;

 private:
  bool hasPart(int64_t batch) const noexcept;
  // The sizes of the graphs to run one after another. Throws Unsupported if there are none.
  std::vector<int64_t> piecesOf(int64_t batch) const;
  Session& partFor(int64_t batch);
  template <typename Call>
  void counted(int64_t batch, Call call);

  std::vector<Part> parts_;  // largest batch first
  std::vector<int64_t> sizes_;
  bool composable_;
};

}  // namespace aios::engines
