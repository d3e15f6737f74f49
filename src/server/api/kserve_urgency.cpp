#include "server/api/kserve_urgency.hpp"

#include <algorithm>
#include <limits>

#include "server/wire/json_reader.hpp"
#include "server/wire/protobuf.hpp"

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

constexpr std::string_view kPriority = "priority", kTimeout = "timeout";

// Of the parameter of this name.
void set(std::string_view parameter, uint64_t value, Urgency::Clock::time_point now,
         Urgency& urgency) {
  if (value == 0) return;
  if (parameter == kPriority) {
    constexpr auto kLast = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
    urgency.priority = static_cast<int64_t>(std::min(value, kLast));
  } else if (parameter == kTimeout) {
    urgency.deadline = now + std::chrono::microseconds(std::min(value, kLongestUs));
  }
}

void readParameters(wire::JsonReader& reader, Urgency::Clock::time_point now, Urgency& urgency) {
  reader.object([&](std::string_view parameter) {
    if (parameter == kPriority || parameter == kTimeout) {
      set(parameter, reader.number<uint64_t>(), now, urgency);
    } else {
      reader.skip();
    }
  });
}

// Of ModelInferRequest, its entries of `parameters`, and InferParameter.
constexpr uint32_t kParameters = 4, kKey = 1, kValue = 2, kInt64 = 2, kUInt64 = 5;

void readEntry(std::string_view entry, Urgency::Clock::time_point now, Urgency& urgency) {
  std::string_view parameter, choice;
  wire::ProtobufReader reader(entry);
  while (reader.next()) {
    if (reader.tag() == wire::bytesTag(kKey)) parameter = reader.bytes();
    if (reader.tag() == wire::bytesTag(kValue)) choice = reader.bytes();
  }
  uint64_t number = 0;
  wire::ProtobufReader choices(choice);
  while (choices.next()) {
    const bool is_signed = choices.tag() == wire::varintTag(kInt64);
    if (is_signed || choices.tag() == wire::varintTag(kUInt64)) number = choices.varint();
    // A negative one says nothing.
    if (is_signed && static_cast<int64_t>(number) < 0) number = 0;
  }
  set(parameter, number, now, urgency);
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

Urgency urgencyOfMessage(std::string_view message, Urgency::Clock::time_point now) {
  Urgency urgency;
  try {
    wire::ProtobufReader reader(message);
    while (reader.next()) {
      if (reader.tag() == wire::bytesTag(kParameters)) readEntry(reader.bytes(), now, urgency);
    }
  } catch (const wire::ProtobufError&) {
    return urgency;
  }
  return urgency;
}

}  // namespace aios::server::api::kserve
