// TensorFlow Serving's PredictionService, in protobuf's messages.
#pragma once

#include <string>
#include <string_view>

#include "server/api/message_draft.hpp"
#include "server/api/workspace.hpp"
#include "server/models.hpp"

namespace aios::server::api::tensorflow_serving_grpc {

// Each answers a request of its method: appends the response. The message outlives the call.
// Throws aios::Error, in TensorFlow Serving's words where clients know them.
void predict(const ServedModel& model, std::string_view message, Workspace& workspace,
             std::string& out);
void classify(const ServedModel& model, std::string_view message, Workspace& workspace,
              std::string& out);
void regress(const ServedModel& model, std::string_view message, Workspace& workspace,
             std::string& out);
void multiInference(const ServedModel& model, std::string_view message, Workspace& workspace,
                    std::string& out);

// The same as predict() in two steps: reads the request. Both it and the model outlive the draft.
MessageDraft readPredict(const ServedModel& model, std::string_view message, Workspace& workspace);

}  // namespace aios::server::api::tensorflow_serving_grpc
