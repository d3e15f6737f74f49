#include "server/api/caller.hpp"

#include <chrono>
#include <exception>
#include <limits>
#include <new>
#include <utility>

#include "server/api/grpc_caller.hpp"
#include "server/api/kserve.hpp"
#include "server/api/tensorflow_serving.hpp"
#include "server/wire/json_reader.hpp"

namespace aios::server::api {
namespace {

// gRPC's codes as each protocol tells them by HTTP.
int tensorFlowServingStatus(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kFailedPrecondition:
      return 400;
    case ErrorCode::kNotFound:
      return 404;
    case ErrorCode::kOverloaded:
      return 429;
    case ErrorCode::kUnsupported:
      return 501;
    case ErrorCode::kUnavailable:
      return 503;
    case ErrorCode::kDeadlineExceeded:
      return 504;
    default:
      return 500;
  }
}

int kserveStatus(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInternal:
    case ErrorCode::kDataLoss:
      return 500;
    case ErrorCode::kNotFound:
      return 404;
    case ErrorCode::kOverloaded:
    case ErrorCode::kUnavailable:
      return 503;
    case ErrorCode::kUnsupported:
      return 501;
    default:
      return 400;
  }
}

protocol::HttpAnswer failure(Protocol protocol, ErrorCode code, std::string_view message) {
  const int status =
      protocol == Protocol::kKServe ? kserveStatus(code) : tensorFlowServingStatus(code);
  return protocol::errorAnswer(status, message);
}

protocol::HttpAnswer run(const ServedModel& model, const Call& call, Workspace& workspace) {
  return call.route.protocol == Protocol::kKServe
             ? kserve::infer(model, call, workspace)
             : tensorflow_serving::predict(model, call, workspace);
}

// The same with a call whose body may be compressed.
protocol::HttpAnswer decompressAndRun(const ServedModel& model, const Call& call,
                                      Workspace& workspace) {
  const BodyEncodings& encodings = call.route.encodings;
  if (encodings.request == wire::Encoding::kIdentity) return run(model, call, workspace);
  const std::string body = wire::decompressed(encodings.request, call.body, encodings.most_bytes);
  return run(model, {call.route, call.inference_header_length, body}, workspace);
}

template <typename Make>
protocol::HttpAnswer made(Protocol protocol, const Make& make) {
  try {
    return make();
  } catch (const wire::TooLarge& error) {
    return protocol::errorAnswer(413, error.what());
  } catch (const wire::JsonError& error) {
    const std::string prefix = protocol == Protocol::kKServe
                                   ? "failed to parse the request JSON buffer: "
                                   : "JSON Parse error: ";
    return failure(protocol, error.code(), prefix + error.what());
  } catch (const Error& error) {
    return failure(protocol, error.code(), error.what());
  } catch (const std::bad_alloc&) {
    return failure(protocol, ErrorCode::kOverloaded, "not enough memory for this request");
  } catch (const std::exception& error) {
    return failure(protocol, ErrorCode::kInternal, error.what());
  }
}

protocol::HttpAnswer answerTo(const ServedModel& model, const Call& call, Workspace& workspace) {
  return made(call.route.protocol, [&] { return decompressAndRun(model, call, workspace); });
}

Task taskOf(const Route& route) noexcept {
  if (!route.grpc.has_value()) return route.task;
  if (route.grpc->method == GrpcMethod::kClassify) return Task::kClassify;
  return route.grpc->method == GrpcMethod::kRegress ? Task::kRegress : Task::kPredict;
}

}  // namespace

Draft read(const ServedModel& model, const Call& call, Workspace& workspace) {
  if (call.route.grpc.has_value()) return readGrpc(model, call, workspace);
  Draft draft = call.route.protocol == Protocol::kKServe
                    ? kserve::read(model, call, workspace)
                    : tensorflow_serving::read(model, call, workspace);
  if (draft.endpoint != nullptr) workspace.check(*draft.endpoint);
  return draft;
}

protocol::Answer failed(const Route& route, const std::exception_ptr& error) {
  if (route.grpc.has_value()) return grpcFailed(*route.grpc, error);
  return made(route.protocol, [&]() -> protocol::HttpAnswer { std::rethrow_exception(error); });
}

Outcome outcomeOf(const protocol::Answer& answer) noexcept {
  const auto* const http = std::get_if<protocol::HttpAnswer>(&answer);
  if (http != nullptr) return server::outcomeOf(http->status);
  return outcomeOfGrpc(std::get<protocol::GrpcAnswer>(answer).code);
}

CallKind kindOf(const Route& route, const ServedModel& model, const Workspace& workspace) noexcept {
  const Transport transport = route.grpc.has_value() ? Transport::kGrpc : Transport::kHttp;
  return {route.protocol, transport, taskOf(route), model.placeOf(workspace.signature())};
}

std::string notFoundText(const Route& route, const ModelTable::Found& found) {
  if (route.protocol == Protocol::kKServe) {
    const std::string what = found.name_is_known && route.version.has_value()
                                 ? " version " + std::to_string(*route.version) + " is not found"
                                 : " is not found";
    return "Request for unknown model: '" + route.model + "'" + what;
  }
  if (!found.label_is_known) return "Unrecognized servable version label: " + route.label;
  const std::string which = route.version.has_value() ? "Specific(" + route.model + ", " +
                                                            std::to_string(*route.version) + ")"
                                                      : "Latest(" + route.model + ")";
  return "Servable not found for request: " + which;
}

protocol::HttpAnswer notFound(const Route& route, const ModelTable::Found& found) {
  return protocol::errorAnswer(found.label_is_known ? 404 : 400, notFoundText(route, found));
}

protocol::HttpAnswer overloaded(Protocol protocol) {
  return failure(protocol, ErrorCode::kUnavailable, "Exceeds maximum queue size");
}

protocol::Answer expired(const Route& route) {
  if (route.grpc.has_value()) return grpcExpired(*route.grpc);
  return failure(route.protocol, ErrorCode::kUnavailable, "Request timeout expired");
}

protocol::HttpAnswer Caller::answer(const ServedModel& model, const Call& call) {
  return *answerWithin(std::numeric_limits<double>::infinity(), model, call);
}

std::optional<protocol::HttpAnswer> Caller::answerWithin(double longest_us,
                                                         const ServedModel& model,
                                                         const Call& call) try {
  const auto begin = std::chrono::steady_clock::now();
  const bool is_unbounded = longest_us == std::numeric_limits<double>::infinity();
  const BodyEncodings& encodings = call.route.encodings;
  if (!is_unbounded && encodings.request != wire::Encoding::kIdentity) return std::nullopt;
  workspace_.allow(longest_us);
  protocol::HttpAnswer answer = answerTo(model, call, workspace_);
  if (!is_unbounded && isCompressed(encodings, answer)) return std::nullopt;
  compress(encodings, answer);
  record(model, call.route, server::outcomeOf(answer.status), begin);
  return answer;
} catch (const TakesLonger&) {
  return std::nullopt;
}

protocol::GrpcAnswer Caller::call(const ServedModel& model, const Call& call) {
  return *callWithin(std::numeric_limits<double>::infinity(), model, call);
}

std::optional<protocol::GrpcAnswer> Caller::callWithin(double longest_us, const ServedModel& model,
                                                       const Call& call) try {
  const auto begin = std::chrono::steady_clock::now();
  workspace_.allow(longest_us);
  protocol::GrpcAnswer answer = answerGrpc(model, *call.route.grpc, call.body, workspace_);
  record(model, call.route, outcomeOfGrpc(answer.code), begin);
  return inFormOf(*call.route.grpc, std::move(answer));
} catch (const TakesLonger&) {
  return std::nullopt;
}

void Caller::record(const ServedModel& model, const Route& route, Outcome outcome,
                    std::chrono::steady_clock::time_point begin) {
  const auto end = std::chrono::steady_clock::now();
  model.counters(thread_).record(kindOf(route, model, workspace_), outcome, workspace_.batch(),
                                 end - begin);
  if (outcome != Outcome::kOk) return;
  model.executions(thread_).record({workspace_.batch(), workspace_.ranFrom() - begin,
                                    workspace_.ranTo() - workspace_.ranFrom(),
                                    end - workspace_.ranTo()});
  if (model.tap().isOn()) workspace_.offerTo(model.tap());
}

}  // namespace aios::server::api
