// KServe's open inference protocol, version 2, with binary tensors, as Triton speaks it.
#pragma once

#include "server/api/caller.hpp"

namespace aios::server::api::kserve {

// The answer to `POST /v2/models/NAME/infer`. Throws JsonError for a header that isn't JSON, and
// aios::Error for what doesn't fit the model.
protocol::HttpAnswer infer(const ServedModel& model, const Call& call, Workspace& workspace);

// The same without the model: fills the workspace with the inputs.
Draft read(const ServedModel& model, const Call& call, Workspace& workspace);

}  // namespace aios::server::api::kserve
