// Answers calls of models in the form of gRPC: codes, texts, and messages of protobuf.
#pragma once

#include <exception>
#include <string>
#include <string_view>

#include "server/api/caller.hpp"
#include "server/protocol/grpc.hpp"

namespace aios::server::api {

protocol::GrpcAnswer grpcFailure(ErrorCode code, std::string message);
// The answer to a call of what isn't there.
protocol::GrpcAnswer grpcNotFound(const Route& route, const ModelTable::Found& found);
// The answer to a call that had to be turned away, as there are too many.
protocol::GrpcAnswer grpcOverloaded();
// The answer to a call without a token that is known.
protocol::GrpcAnswer grpcTokenNeeded();

// Answers a message. Throws TakesLonger, and no error: those are answers too.
protocol::GrpcAnswer answerGrpc(const ServedModel& model, const HotMethod& method,
                                std::string_view message, Workspace& workspace);
// Reads a call, so that it may be run together with others; one of more than one run, or of
// tf.Examples, is answered as a whole. Throws what is wrong with it.
Draft readGrpc(const ServedModel& model, const Call& call, Workspace& workspace);
// The answer to a call that failed, or waited longer than it may.
protocol::GrpcAnswer grpcFailed(const HotMethod& method, const std::exception_ptr& error);
protocol::GrpcAnswer grpcExpired(const HotMethod& method);
// An answer as its method gives it: one of a stream is wrapped, errors as well.
protocol::GrpcAnswer inFormOf(const HotMethod& method, protocol::GrpcAnswer answer);

// By whose fault a call failed, by gRPC's code.
Outcome outcomeOfGrpc(int code) noexcept;

}  // namespace aios::server::api
