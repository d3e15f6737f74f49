#include "engines/sized_session.hpp"

#include <algorithm>
#include <utility>

#include "aios/error.hpp"
#include "engines/composed_session.hpp"

namespace aios::engines {
namespace {

// One size of an input that a graph is made for.
struct Size {
  std::size_t input;
  std::size_t axis;
  int64_t size;
  bool operator==(const Size& other) const noexcept {
    return input == other.input && axis == other.axis && size == other.size;
  }
};

std::vector<Size> sizesOf(const bundle::Graph& graph, const Signature& signature) {
  std::vector<Size> sizes;
  for (std::size_t input = 0; input < signature.inputs.size(); ++input) {
    const TensorSpec& spec = signature.inputs[input];
    const auto found = graph.sizes.find(spec.name);
    if (found == graph.sizes.end()) continue;
    auto next = found->second.begin();
    for (std::size_t axis = 1; axis < spec.shape.size(); ++axis) {
      if (spec.shape[axis] != kAnySize) continue;
      if (next == found->second.end()) break;
      sizes.push_back({input, axis, *next++});
    }
  }
  return sizes;
}

class SizedSession final : public Session {
 public:
  // The graphs of one set of sizes.
  struct Part {
    std::vector<Size> sizes;
    std::vector<std::size_t> graphs;
    std::unique_ptr<Session> session;  // null until it is needed
  };
  using MakePart = std::function<std::unique_ptr<Session>(const Part&)>;

  SizedSession(std::string engine, std::vector<Part> parts, MakePart make)
      : engine_(std::move(engine)), parts_(std::move(parts)), make_(std::move(make)) {}

  void run(Span<const TensorView> inputs, Span<TensorView> outputs) override {
    counted(partFor(inputs), [&](Session& part) { part.run(inputs, outputs); });
  }
  void bind(Span<const TensorView> inputs, Span<TensorView> outputs) override {
    bound_ = &partFor(inputs);
    bound_->bind(inputs, outputs);
  }
  void runBound() override {
    counted(*bound_, [](Session& part) { part.runBound(); });
  }
  std::vector<Tensor> answer(Span<const TensorView> inputs) override {
    std::vector<Tensor> answers;
    counted(partFor(inputs), [&](Session& part) { answers = part.answer(inputs); });
    return answers;
  }

 private:
  template <typename Call>
  void counted(Session& part, Call call) {
    const std::uint64_t before = part.stagedBytes();
    call(part);
    staged_bytes_ += part.stagedBytes() - before;
  }

  Session& partFor(Span<const TensorView> inputs) {
    for (Part& part : parts_) {
      const bool fits = std::all_of(part.sizes.begin(), part.sizes.end(), [&](const Size& size) {
        return inputs[size.input].dim(size.axis) == size.size;
      });
      if (!fits) continue;
      if (!part.session) part.session = make_(part);
      return *part.session;
    }
    throwNoGraph(inputs);
  }

  [[noreturn]] void throwNoGraph(Span<const TensorView> inputs) const {
    std::string got;
    for (const TensorView& input : inputs) got += (got.empty() ? "" : ", ") + describe(input);
    std::string made_for;
    for (const Part& part : parts_) {
      made_for += made_for.empty() ? "" : " or ";
      for (const Size& size : part.sizes) {
        made_for += (&size == part.sizes.data() ? "" : ",") + std::to_string(size.size);
      }
    }
    throw Error(ErrorCode::kUnsupported, "engine '" + engine_ + "' has no graph for " + got +
                                             ": inner sizes " + made_for +
                                             " were prepared for it; use another engine, or "
                                             "export with sizes=");
  }

  const std::string engine_;
  std::vector<Part> parts_;
  const MakePart make_;
  Session* bound_ = nullptr;
};

// Of graphs that differ in their batch alone.
std::unique_ptr<Session> sessionOfBatches(const std::vector<bundle::Graph>& graphs,
                                          const std::vector<std::size_t>& indices, bool composable,
                                          const MakeSession& make) {
  std::vector<ComposedSession::Part> parts;
  for (const std::size_t index : indices) {
    if (graphs[index].batch == kAnySize) return make(index);
    parts.push_back({graphs[index].batch, make(index)});
  }
  return std::make_unique<ComposedSession>(std::move(parts), composable);
}

}  // namespace

std::unique_ptr<Session> sessionOf(const std::string& engine,
                                   const std::vector<bundle::Graph>& graphs,
                                   const Signature& signature, bool composable, MakeSession make) {
  std::vector<SizedSession::Part> parts;
  for (std::size_t i = 0; i < graphs.size(); ++i) {
    if (!graphs[i].signature.empty() && graphs[i].signature != signature.name) continue;
    std::vector<Size> sizes = sizesOf(graphs[i], signature);
    const auto known = std::find_if(parts.begin(), parts.end(),
                                    [&](const auto& part) { return part.sizes == sizes; });
    if (known != parts.end()) {
      known->graphs.push_back(i);
    } else {
      parts.push_back({std::move(sizes), {i}, nullptr});
    }
  }
  if (parts.empty()) {
    throw Error(ErrorCode::kUnsupported, "engine '" + engine + "' has no graph for signature '" +
                                             signature.name + "'; use another engine");
  }
  if (parts.size() == 1 && parts.front().sizes.empty()) {
    return sessionOfBatches(graphs, parts.front().graphs, composable, make);
  }
  std::stable_partition(parts.begin(), parts.end(),
                        [](const auto& part) { return !part.sizes.empty(); });
  return std::make_unique<SizedSession>(
      engine, std::move(parts),
      [&graphs, composable, make = std::move(make)](const SizedSession::Part& part) {
        return sessionOfBatches(graphs, part.graphs, composable, make);
      });
}

}  // namespace aios::engines
