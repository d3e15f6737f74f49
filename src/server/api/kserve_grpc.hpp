// KServe's open inference protocol, version 2, in protobuf's messages, as Triton speaks it over
// gRPC.
#pragma once

#include <string>
#include <string_view>

#include "server/api/message_draft.hpp"
#include "server/api/workspace.hpp"
#include "server/models.hpp"

namespace aios::server::api::kserve_grpc {

// Answers a ModelInferRequest: appends a ModelInferResponse, whose tensors are all in
// raw_output_contents. The message outlives the call. Throws aios::Error for what isn't such a
// message or doesn't fit the model.
void infer(const ServedModel& model, std::string_view message, Workspace& workspace,
           std::string& out);

// The same in two steps: reads the request. Both it and the model outlive the draft.
MessageDraft read(const ServedModel& model, std::string_view message, Workspace& workspace);

// Appends a ModelStreamInferResponse with an answer of infer(), or with an error; the other one is
// empty.
void appendStreamResponse(std::string_view error, std::string_view response, std::string& out);

}  // namespace aios::server::api::kserve_grpc
