// How soon a KServe v2 request is wanted: read before it waits, and so before it is read as a
// whole.
#pragma once

#include <string_view>

#include "runtime/fair_lanes.hpp"
#include "server/api/caller.hpp"

namespace aios::server::api::kserve {

// By the request's parameters, as Triton's clients send them: `priority`, of which lower numbers
// come first (0: the usual, as 100), and `timeout`, the microseconds that it may wait. Throws
// nothing: what is malformed is found later.
runtime::Urgency urgencyOf(const Call& call, runtime::Urgency::Clock::time_point now);
// The same of a ModelInferRequest.
runtime::Urgency urgencyOfMessage(std::string_view message,
                                  runtime::Urgency::Clock::time_point now);

}  // namespace aios::server::api::kserve
