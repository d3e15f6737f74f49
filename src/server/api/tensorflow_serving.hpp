// TensorFlow Serving's REST interface: predictions, in its row and its column format, and
// classification and regression of tf.Examples.
#pragma once

#include "server/api/caller.hpp"

namespace aios::server::api::tensorflow_serving {

// The answer to `POST /v1/models/NAME:predict`, or whichever task the call is. Throws JsonError for
// a body that isn't JSON, and aios::Error for what doesn't fit the model.
protocol::HttpAnswer predict(const ServedModel& model, const Call& call, Workspace& workspace);

// The same without the model: fills the workspace with the inputs.
Draft read(const ServedModel& model, const Call& call, Workspace& workspace);

}  // namespace aios::server::api::tensorflow_serving
