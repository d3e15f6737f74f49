#include "bundle/json_fields.hpp"

#include <limits>

#include "aios/error.hpp"

namespace aios::bundle {
namespace {

constexpr std::size_t kShownBytes = 64;

}  // namespace

void refuseManifest(const std::string& what) {
  throw Error(ErrorCode::kDataLoss,
              "bundle file 'manifest.json': " + what + "; export the bundle again");
}

Json parseJson(const std::string& text, int most_levels) {
  const auto is_shallow = [most_levels](int level, Json::parse_event_t event, Json&) {
    const bool opens =
        event == Json::parse_event_t::object_start || event == Json::parse_event_t::array_start;
    if (opens && level >= most_levels) {
      refuseManifest("it is nested deeper than " + std::to_string(most_levels) + " levels");
    }
    return true;
  };
  Json json = Json::parse(text, is_shallow, /*allow_exceptions=*/false);
  if (json.is_discarded()) refuseManifest("it isn't JSON");
  return json;
}

std::string shown(const std::string& text) {
  std::size_t end = std::min(text.size(), kShownBytes);
  // A character isn't cut in two: its later bytes are 10xxxxxx.
  while (end < text.size() && end > 0 && (text[end] & 0xc0) == 0x80) --end;
  std::string line = text.substr(0, end);
  for (char& character : line) {
    const auto code = static_cast<unsigned char>(character);
    if (code < 0x20 || code == 0x7f) character = '?';
  }
  return end < text.size() ? line + "..." : line;
}

const Json& member(const Json& object, const char* key) {
  if (!object.is_object()) refuseManifest(std::string("expected an object with '") + key + "'");
  const auto found = object.find(key);
  if (found == object.end()) refuseManifest(std::string("'") + key + "' is missing");
  return *found;
}

const Json* optionalMember(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

const Json& listMember(const Json& object, const char* key, std::size_t most_entries) {
  const Json& value = member(object, key);
  if (!value.is_array()) refuseManifest(std::string("'") + key + "' isn't a list");
  if (value.size() > most_entries) {
    refuseManifest(std::string("'") + key + "' has " + std::to_string(value.size()) +
                   " entries, at most " + std::to_string(most_entries) + " are allowed");
  }
  return value;
}

void checkText(const Json& value, const std::string& what, std::size_t most_bytes) {
  if (!value.is_string()) refuseManifest(what + " isn't a string");
  const std::size_t bytes = value.get_ref<const std::string&>().size();
  if (bytes == 0 || bytes > most_bytes) {
    refuseManifest(what + " has " + std::to_string(bytes) + " bytes, expected 1 to " +
                   std::to_string(most_bytes));
  }
}

std::string textMember(const Json& object, const char* key, std::size_t most_bytes) {
  const Json& value = member(object, key);
  checkText(value, std::string("'") + key + "'", most_bytes);
  return value.get<std::string>();
}

bool isInteger(const Json& value, int64_t least, int64_t most) {
  if (!value.is_number_integer()) return false;
  constexpr auto kLargest = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  if (value.is_number_unsigned() && value.get<uint64_t>() > kLargest) return false;
  const auto number = value.get<int64_t>();
  return least <= number && number <= most;
}

void checkEntries(const Json& object, const char* key, std::size_t most_entries) {
  if (object.is_object() && object.size() <= most_entries) return;
  refuseManifest(std::string("'") + key + "' isn't an object of at most " +
                 std::to_string(most_entries) + " entries");
}

}  // namespace aios::bundle
