#include "server/request_log.hpp"

#include <array>
#include <cstdio>
#include <ctime>
#include <utility>

#include "server/wire/json_tensor.hpp"

namespace aios::server {
namespace {

constexpr std::size_t kMostLineBytes = std::size_t{8} << 20;
constexpr std::size_t kMostSpans = 4096;
constexpr std::size_t kLongestTarget = 512;

// "2026-01-31T12:00:00.123456Z"
void appendTime(std::chrono::system_clock::time_point time, std::string& lines) {
  using std::chrono::microseconds;
  const auto since = std::chrono::duration_cast<microseconds>(time.time_since_epoch()).count();
  const std::time_t seconds = since / 1000000;
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  std::array<char, 40> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  lines.append(text.data(), size);
  std::snprintf(text.data(), text.size(), ".%06dZ", static_cast<int>(since % 1000000));
  lines += text.data();
}

void appendText(const char* key, std::string_view text, std::string& lines) {
  lines += ", \"";
  lines += key;
  lines += "\": ";
  // What came over the network may be any bytes.
  wire::appendJsonString(wire::isUtf8(text) ? text : "text that isn't UTF-8", lines);
}

void appendNumber(const char* key, int64_t number, std::string& lines) {
  lines += ", \"";
  lines += key;
  lines += "\": ";
  wire::appendInteger(number, lines);
}

bool isHexadecimal(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

}  // namespace

void appendLine(const FinishedRequest& request, std::string& lines) {
  lines += "{\"time\": \"";
  appendTime(request.begin, lines);
  lines.push_back('"');
  appendText("client", request.client, lines);
  appendText("protocol", request.protocol, lines);
  appendText("method", request.method, lines);
  appendText("path", std::string_view(request.target).substr(0, kLongestTarget), lines);
  if (!request.model.empty()) appendText("model", request.model, lines);
  if (request.version.has_value()) appendNumber("version", *request.version, lines);
  appendNumber("status", request.status, lines);
  appendNumber("us", request.took.count() / 1000, lines);
  appendNumber("bytes", static_cast<int64_t>(request.bytes), lines);
  lines += "}\n";
}

// VERSION-TRACE-SPAN-FLAGS, in hexadecimal digits; later versions may have more behind them.
bool isSampled(std::string_view traceparent) noexcept {
  constexpr std::size_t kFlags = 53;
  if (traceparent.size() < kFlags + 2) return false;
  for (std::size_t i = 0; i < kFlags + 2; ++i) {
    const bool is_dash = i == 2 || i == 35 || i == 52;
    if (is_dash ? traceparent[i] != '-' : !isHexadecimal(traceparent[i])) return false;
  }
  const char flags = traceparent[kFlags + 1];
  return ((flags <= '9' ? flags - '0' : flags - 'a' + 10) & 1) != 0;
}

void RequestLog::append(FinishedRequest&& request) {
  const bool has_span = wanted_.spans && isSampled(request.traceparent);
  if (!wanted_.lines && !has_span) return;
  std::string line;
  if (wanted_.lines) appendLine(request, line);
  const std::lock_guard<std::mutex> lock(mutex_);
  bool fits = true;
  if (wanted_.lines) {
    fits = lines_.size() + line.size() <= kMostLineBytes;
    if (fits && lines_.empty()) lines_came_.notify_one();
    if (fits) lines_ += line;
  }
  if (has_span) {
    const bool has_room = spans_.size() < kMostSpans;
    fits = fits && has_room;
    if (has_room && spans_.empty()) spans_came_.notify_one();
    if (has_room) spans_.push_back(std::move(request));
  }
  if (!fits) ++dropped_;
}

std::string RequestLog::takeLines() {
  std::unique_lock<std::mutex> lock(mutex_);
  lines_came_.wait(lock, [&] { return closed_ || !lines_.empty(); });
  return std::exchange(lines_, std::string());
}

std::vector<FinishedRequest> RequestLog::takeSpans() {
  std::unique_lock<std::mutex> lock(mutex_);
  spans_came_.wait(lock, [&] { return closed_ || !spans_.empty(); });
  return std::exchange(spans_, {});
}

void RequestLog::close() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    closed_ = true;
  }
  lines_came_.notify_all();
  spans_came_.notify_all();
}

void RequestLog::countDropped() noexcept {
  const std::lock_guard<std::mutex> lock(mutex_);
  ++dropped_;
}

uint64_t RequestLog::dropped() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return dropped_;
}

}  // namespace aios::server
