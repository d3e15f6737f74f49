// A call of a model on its way to a worker.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "runtime/fair_lanes.hpp"
#include "server/api/caller.hpp"
#include "server/slow_lane.hpp"

namespace aios::server {

// Owns its body and its model.
struct Job {
  Ticket ticket;
  std::shared_ptr<const ServedModel> model;
  api::Route route;
  std::optional<std::size_t> inference_header_length;
  std::string body;
  runtime::Urgency urgency = {};  // of these deadlines and the ticket's, the earlier one counts
  std::chrono::steady_clock::time_point arrived = std::chrono::steady_clock::now();
};

}  // namespace aios::server
