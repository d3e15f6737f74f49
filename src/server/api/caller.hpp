// Answers calls of models in the protocol in which they came, one after another.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "server/api/route.hpp"
#include "server/api/workspace.hpp"
#include "server/models.hpp"

namespace aios::server::api {

// A request to a model. Borrows the body.
struct Call {
  Route route;
  std::optional<std::size_t> inference_header_length;
  std::string_view body;
};

// The answer to a call of what isn't there.
protocol::HttpAnswer notFound(const Route& route, const ModelTable::Found& found);
// The answer to a call that had to be turned away, as there are too many.
protocol::HttpAnswer overloaded(Protocol protocol);

// For one thread.
class Caller {
 public:
  // `thread` says which of a model's counters are this thread's.
  explicit Caller(std::size_t thread) : thread_(thread) {}

  // Throws nothing: errors are answers too, in the protocol's own form.
  protocol::HttpAnswer answer(const ServedModel& model, const Call& call);
  // The same; nothing, where the model is expected to take longer than this, or bodies have to be
  // compressed or decompressed.
  std::optional<protocol::HttpAnswer> answerWithin(double longest_us, const ServedModel& model,
                                                   const Call& call);

 private:
  const std::size_t thread_;
  Workspace workspace_;
};

}  // namespace aios::server::api
