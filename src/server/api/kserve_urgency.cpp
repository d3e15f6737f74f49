#include "server/api/kserve_urgency.hpp"

#include <algorithm>
#include <limits>

#include "server/wire/json_reader.hpp"

namespace aios::server::api::kserve {
namespace {

using runtime::Urgency;

// More microseconds would fit no clock.
constexpr uint64_t kLongestUs = uint64_t{1} << 50;

// Whether it is worth reading all of the JSON: few clients say more than what they ask.
bool mayTell(std::string_view json) {
  return json.find("\"priority\"") != std::string_view::npos ||
         json.find("\"timeout\"") != std::string_view::npos;
}

void readParameters(wire::JsonReader& reader, Urgency::Clock::time_point now, Urgency& urgency) {
  reader.object([&](std::string_view parameter) {
    if (parameter == "priority") {
      const auto priority = reader.number<uint64_t>();
      constexpr auto kLast = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
      if (priority != 0) urgency.priority = static_cast<int64_t>(std::min(priority, kLast));
    } else if (parameter == "timeout") {
      const auto us = std::min(reader.number<uint64_t>(), kLongestUs);
      if (us != 0) urgency.deadline = now + std::chrono::microseconds(us);
    } else {
      reader.skip();
    }
  });
}

}  // namespace

Urgency urgencyOf(const Call& call, Urgency::Clock::time_point now) {
  const std::string_view json =
      call.body.substr(0, call.inference_header_length.value_or(call.body.size()));
  Urgency urgency;
  if (!mayTell(json)) return urgency;
  try {
    wire::JsonReader reader(json);
    reader.object([&](std::string_view key) {
      if (key == "parameters") {
        readParameters(reader, now, urgency);
      } else {
        reader.skip();
      }
    });
  } catch (const wire::JsonError&) {
    return urgency;
  }
  return urgency;
}

}  // namespace aios::server::api::kserve
