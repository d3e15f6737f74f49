#include "server/api/caller.hpp"

#include <chrono>
#include <exception>
#include <limits>
#include <new>

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

}  // namespace

Draft read(const ServedModel& model, const Call& call, Workspace& workspace) {
  Draft draft = call.route.protocol == Protocol::kKServe
                    ? kserve::read(model, call, workspace)
                    : tensorflow_serving::read(model, call, workspace);
  if (draft.endpoint != nullptr) workspace.check(*draft.endpoint);
  return draft;
}

protocol::Answer failed(const Route& route, const std::exception_ptr& error) {
  return made(route.protocol, [&]() -> protocol::HttpAnswer { std::rethrow_exception(error); });
}

Outcome outcomeOf(const protocol::Answer& answer) noexcept {
  const auto* const http = std::get_if<protocol::HttpAnswer>(&answer);
  if (http != nullptr) return server::outcomeOf(http->status);
  const int code = std::get<protocol::GrpcAnswer>(answer).code;
  return code == 0 ? Outcome::kOk : Outcome::kServerError;
}

protocol::HttpAnswer notFound(const Route& route, const ModelTable::Found& found) {
  if (route.protocol == Protocol::kKServe) {
    const std::string what = found.name_is_known && route.version.has_value()
                                 ? " version " + std::to_string(*route.version) + " is not found"
                                 : " is not found";
    return protocol::errorAnswer(404, "Request for unknown model: '" + route.model + "'" + what);
  }
  if (!found.label_is_known) {
    return protocol::errorAnswer(400, "Unrecognized servable version label: " + route.label);
  }
  const std::string which = route.version.has_value() ? "Specific(" + route.model + ", " +
                                                            std::to_string(*route.version) + ")"
                                                      : "Latest(" + route.model + ")";
  return protocol::errorAnswer(404, "Servable not found for request: " + which);
}

protocol::HttpAnswer overloaded(Protocol protocol) {
  return failure(protocol, ErrorCode::kUnavailable, "Exceeds maximum queue size");
}

protocol::Answer expired(const Route& route) {
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
  const auto end = std::chrono::steady_clock::now();
  const Outcome outcome = server::outcomeOf(answer.status);
  model.counters(thread_).record(call.route.protocol, outcome, workspace_.batch(), end - begin);
  if (outcome == Outcome::kOk) {
    model.executions(thread_).record({workspace_.batch(), workspace_.ranFrom() - begin,
                                      workspace_.ranTo() - workspace_.ranFrom(),
                                      end - workspace_.ranTo()});
    if (model.tap().isOn()) workspace_.offerTo(model.tap());
  }
  return answer;
} catch (const TakesLonger&) {
  return std::nullopt;
}

}  // namespace aios::server::api
