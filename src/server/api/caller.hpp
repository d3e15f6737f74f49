// Answers calls of models in the protocol in which they came, one after another.
#pragma once

#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "server/api/route.hpp"
#include "server/api/workspace.hpp"
#include "server/models.hpp"
#include "server/protocol/connection.hpp"

namespace aios::server::api {

// A request to a model. Borrows the body.
struct Call {
  Route route;
  std::optional<std::size_t> inference_header_length;
  std::string_view body;
};

// A call that was read into a workspace, and lacks only the model's outputs.
struct Draft {
  runtime::Endpoint* endpoint = nullptr;
  std::function<protocol::Answer(Span<const TensorView>)> write;
  // In place of both, where a call can't be run with others: reads and answers it, with what it
  // runs in the workspace. Throws nothing.
  std::function<protocol::Answer(Workspace&)> whole = nullptr;
};

// Reads a call and checks it, so that it may be run together with others. Throws what is wrong with
// it.
Draft read(const ServedModel& model, const Call& call, Workspace& workspace);
// The answer to a call that failed, in the protocol's own form. Throws nothing.
protocol::Answer failed(const Route& route, const std::exception_ptr& error);
Outcome outcomeOf(const protocol::Answer& answer) noexcept;
// What a call that was read into a workspace is counted with.
CallKind kindOf(const Route& route, const ServedModel& model, const Workspace& workspace) noexcept;

// Says that what a call wants isn't there.
std::string notFoundText(const Route& route, const ModelTable::Found& found);
// The answer to a call of what isn't there.
protocol::HttpAnswer notFound(const Route& route, const ModelTable::Found& found);
// The answer to a call that had to be turned away, as there are too many.
protocol::HttpAnswer overloaded(Protocol protocol);
// The answer to a call that waited longer than it may.
protocol::Answer expired(const Route& route);

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

  // The same by gRPC.
  protocol::GrpcAnswer call(const ServedModel& model, const Call& call);
  std::optional<protocol::GrpcAnswer> callWithin(double longest_us, const ServedModel& model,
                                                 const Call& call);

 private:
  // Of the call that began then, and was answered by the workspace.
  void record(const ServedModel& model, const Route& route, Outcome outcome,
              std::chrono::steady_clock::time_point begin);

  const std::size_t thread_;
  Workspace workspace_;
};

}  // namespace aios::server::api
