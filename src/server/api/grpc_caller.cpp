#include "server/api/grpc_caller.hpp"

#include <exception>
#include <new>
#include <optional>
#include <utility>

#include "server/api/kserve_grpc.hpp"
#include "server/api/tensorflow_serving_grpc.hpp"

namespace aios::server::api {
namespace {

// Of gRPC's codes; no Error has it.
constexpr int kUnauthenticated = 16;

void append(const ServedModel& model, GrpcMethod method, std::string_view message,
            Workspace& workspace, std::string& out) {
  switch (method) {
    case GrpcMethod::kModelInfer:
      return kserve_grpc::infer(model, message, workspace, out);
    case GrpcMethod::kPredict:
      return tensorflow_serving_grpc::predict(model, message, workspace, out);
    case GrpcMethod::kClassify:
      return tensorflow_serving_grpc::classify(model, message, workspace, out);
    case GrpcMethod::kRegress:
      return tensorflow_serving_grpc::regress(model, message, workspace, out);
    case GrpcMethod::kMultiInference:
      return tensorflow_serving_grpc::multiInference(model, message, workspace, out);
  }
}

// Of the methods that run a model once, on what the message has.
std::optional<MessageDraft> readMessage(const ServedModel& model, const Call& call,
                                        Workspace& workspace) {
  const GrpcMethod method = call.route.grpc->method;
  if (method == GrpcMethod::kModelInfer) return kserve_grpc::read(model, call.body, workspace);
  if (method != GrpcMethod::kPredict) return std::nullopt;
  return tensorflow_serving_grpc::readPredict(model, call.body, workspace);
}

template <typename Make>
protocol::GrpcAnswer made(const Make& make) {
  try {
    return make();
  } catch (const Error& error) {
    return grpcFailure(error.code(), error.what());
  } catch (const std::bad_alloc&) {
    return grpcFailure(ErrorCode::kOverloaded, "not enough memory for this request");
  } catch (const std::exception& error) {
    return grpcFailure(ErrorCode::kInternal, error.what());
  }
}

}  // namespace

protocol::GrpcAnswer grpcFailure(ErrorCode code, std::string message) {
  return {static_cast<int>(code), std::move(message), ""};
}

protocol::GrpcAnswer grpcNotFound(const Route& route, const ModelTable::Found& found) {
  const bool is_label = !found.label_is_known;
  return grpcFailure(is_label ? ErrorCode::kInvalidArgument : ErrorCode::kNotFound,
                     notFoundText(route, found));
}

protocol::GrpcAnswer grpcOverloaded() {
  return grpcFailure(ErrorCode::kUnavailable, "Exceeds maximum queue size");
}

protocol::GrpcAnswer grpcTokenNeeded() {
  return {kUnauthenticated, "expected a token that this server knows, as metadata authorization",
          ""};
}

protocol::GrpcAnswer answerGrpc(const ServedModel& model, const HotMethod& method,
                                std::string_view message, Workspace& workspace) {
  return made([&] {
    protocol::GrpcAnswer answer;
    append(model, method.method, message, workspace, answer.body);
    return answer;
  });
}

Draft readGrpc(const ServedModel& model, const Call& call, Workspace& workspace) {
  Draft draft;
  if (std::optional<MessageDraft> message = readMessage(model, call, workspace)) {
    workspace.check(*message->endpoint);
    draft.endpoint = message->endpoint;
    draft.write = [method = *call.route.grpc,
                   write = std::move(message->write)](Span<const TensorView> outputs) {
      protocol::GrpcAnswer answer;
      write(outputs, answer.body);
      return inFormOf(method, std::move(answer));
    };
    return draft;
  }
  draft.whole = [&model, method = *call.route.grpc, message = call.body](Workspace& workspace) {
    return inFormOf(method, answerGrpc(model, method, message, workspace));
  };
  return draft;
}

protocol::GrpcAnswer grpcFailed(const HotMethod& method, const std::exception_ptr& error) {
  return inFormOf(method, made([&]() -> protocol::GrpcAnswer { std::rethrow_exception(error); }));
}

protocol::GrpcAnswer grpcExpired(const HotMethod& method) {
  return inFormOf(method, grpcFailure(ErrorCode::kDeadlineExceeded, "Request timeout expired"));
}

protocol::GrpcAnswer inFormOf(const HotMethod& method, protocol::GrpcAnswer answer) {
  if (!method.is_streamed) return answer;
  protocol::GrpcAnswer wrapped;
  kserve_grpc::appendStreamResponse(answer.message, answer.body, wrapped.body);
  return wrapped;
}

Outcome outcomeOfGrpc(int code) noexcept {
  if (code == 0) return Outcome::kOk;
  switch (static_cast<ErrorCode>(code)) {
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kNotFound:
    case ErrorCode::kFailedPrecondition:
      return Outcome::kClientError;
    default:
      return Outcome::kServerError;
  }
}

}  // namespace aios::server::api
