// A call of gRPC that was read into a workspace and lacks only the model's outputs, so that it may
// be run together with others.
#pragma once

#include <functional>
#include <string>

#include "server/api/workspace.hpp"

namespace aios::server::api {

struct MessageDraft {
  runtime::Endpoint* endpoint = nullptr;
  // Appends the answer's message. What it was read from has to be there still.
  std::function<void(Span<const TensorView> outputs, std::string& out)> write;
};

}  // namespace aios::server::api
