#include "server/api/route.hpp"

#include <charconv>

namespace aios::server::api {
namespace {

bool takePrefix(std::string_view& text, std::string_view prefix) {
  if (text.substr(0, prefix.size()) != prefix) return false;
  text.remove_prefix(prefix.size());
  return true;
}

bool takeSuffix(std::string_view& text, std::string_view suffix) {
  if (text.size() < suffix.size() || text.substr(text.size() - suffix.size()) != suffix) {
    return false;
  }
  text.remove_suffix(suffix.size());
  return true;
}

std::optional<Task> takeTask(std::string_view& text) {
  if (takeSuffix(text, ":predict")) return Task::kPredict;
  if (takeSuffix(text, ":classify")) return Task::kClassify;
  if (takeSuffix(text, ":regress")) return Task::kRegress;
  return std::nullopt;
}

// Without its %-escapes; false where one is malformed.
bool unescape(std::string_view text, std::string& name) {
  while (!text.empty()) {
    name.push_back(text.front());
    text.remove_prefix(1);
    if (name.back() != '%') continue;
    uint8_t byte = 0;
    if (text.size() < 2) return false;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + 2, byte, 16);
    if (error != std::errc() || stop != text.data() + 2) return false;
    name.back() = static_cast<char>(byte);
    text.remove_prefix(2);
  }
  return !name.empty();
}

bool readVersion(std::string_view text, std::optional<int64_t>& version) {
  int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end || number < 0) return false;
  version = number;
  return true;
}

// NAME[/versions/N|/labels/L]
std::optional<Route> readModel(std::string_view text, Route route) {
  const std::size_t slash = text.find('/');
  if (!unescape(text.substr(0, slash), route.model)) return std::nullopt;
  if (slash == std::string_view::npos) return route;
  text.remove_prefix(slash);
  const bool has_labels = route.protocol == Protocol::kTensorFlowServing;
  const bool read =
      takePrefix(text, "/versions/") ? readVersion(text, route.version)
      : has_labels && takePrefix(text, "/labels/") && text.find('/') == std::string_view::npos
          ? unescape(text, route.label)
          : false;
  return read ? std::optional<Route>(std::move(route)) : std::nullopt;
}

}  // namespace

std::optional<Route> routeOf(const protocol::HttpRequest& request) {
  if (request.method != "POST") return std::nullopt;
  std::string_view path = request.path();
  Route route;
  if (takePrefix(path, "/v2/models/")) {
    if (!takeSuffix(path, "/infer")) return std::nullopt;
    return readModel(path, std::move(route));
  }
  if (!takePrefix(path, "/v1/models/")) return std::nullopt;
  const std::optional<Task> task = takeTask(path);
  if (!task.has_value()) return std::nullopt;
  route.protocol = Protocol::kTensorFlowServing;
  route.task = *task;
  return readModel(path, std::move(route));
}

}  // namespace aios::server::api
