#include "server/protocol/http1.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "server/wire/json_tensor.hpp"

namespace aios::server::protocol {
namespace {

constexpr std::string_view kLineEnd = "\r\n";

bool isLetterOrDigit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// HTTP's own form of a version (RFC 9112, section 2.3), as HTTP/3.0.
bool isVersion(std::string_view text) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  return text.size() == 8 && text.substr(0, 5) == "HTTP/" && is_digit(text[5]) && text[6] == '.' &&
         is_digit(text[7]);
}

// What names of methods and headers are made of (RFC 9110, section 5.6.2).
bool isToken(std::string_view text) {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return isLetterOrDigit(c) || kOthers.find(c) != std::string_view::npos;
  });
}

bool isVisible(char c) { return c > 0x20 && c < 0x7F; }
bool isFieldByte(char c) { return c == '\t' || static_cast<unsigned char>(c) >= 0x20; }

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

// `word` is lower case.
bool equals(std::string_view text, std::string_view word) {
  return text.size() == word.size() && std::equal(text.begin(), text.end(), word.begin(),
                                                  [](char a, char b) { return lower(a) == b; });
}

std::string_view trimmed(std::string_view text) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

std::size_t lengthOf(std::string_view name, std::string_view value) {
  std::size_t length = 0;
  const char* const end = value.data() + value.size();
  const auto [stop, error] = std::from_chars(value.data(), end, length);
  if (error != std::errc() || stop != end) {
    throw HttpError(400, std::string(name) + ": expected a number of bytes");
  }
  return length;
}

// Whether a list as "keep-alive, upgrade" has a word.
bool lists(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    if (equals(trimmed(list.substr(0, comma)), word)) return true;
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
  }
  return false;
}

struct TextField {
  std::string_view name;
  std::string_view HttpRequest::* field;
};
constexpr std::array<TextField, 10> kTextFields = {{
    {"accept", &HttpRequest::accept},
    {"accept-encoding", &HttpRequest::accept_encoding},
    {"authorization", &HttpRequest::authorization},
    {"content-encoding", &HttpRequest::content_encoding},
    {"content-type", &HttpRequest::content_type},
    {"forwarded", &HttpRequest::forwarded},
    {"host", &HttpRequest::host},
    {"origin", &HttpRequest::origin},
    {"traceparent", &HttpRequest::traceparent},
    {"x-forwarded-for", &HttpRequest::forwarded},
}};

class HeadReader {
 public:
  HeadReader(std::string_view head, const HttpLimits& limits) : left_(head), limits_(limits) {}

  HttpRequest read() {
    requestLine(line());
    std::size_t count = 0;
    for (std::string_view next = line(); !next.empty(); next = line()) {
      if (++count > limits_.headers) {
        throw HttpError(431, "expected at most " + std::to_string(limits_.headers) + " headers");
      }
      header(next);
    }
    finish();
    return request_;
  }

 private:
  std::string_view line() {
    const std::size_t end = left_.find(kLineEnd);
    if (end == std::string_view::npos) throw HttpError(400, "a head without its end");
    const std::string_view line = left_.substr(0, end);
    left_.remove_prefix(end + kLineEnd.size());
    return line;
  }

  void requestLine(std::string_view line) {
    const std::size_t first = line.find(' ');
    const std::size_t second = first == std::string_view::npos ? first : line.find(' ', first + 1);
    if (second == std::string_view::npos) throw HttpError(400, "malformed request line");
    request_.method = line.substr(0, first);
    request_.target = line.substr(first + 1, second - first - 1);
    const std::string_view version = line.substr(second + 1);
    const std::string_view target = request_.target;
    if (!isToken(request_.method)) throw HttpError(400, "malformed method");
    if (target.empty() || (target.front() != '/' && target != "*") ||
        !std::all_of(target.begin(), target.end(), isVisible)) {
      throw HttpError(400, "malformed target: expected a path");
    }
    if (version != "HTTP/1.1" && version != "HTTP/1.0") {
      throw HttpError(isVersion(version) ? 505 : 400, "expected HTTP/1.1 or HTTP/1.0");
    }
    is_1_1_ = version == "HTTP/1.1";
    request_.keep_alive = is_1_1_;
  }

  void header(std::string_view line) {
    const std::size_t colon = line.find(':');
    const std::string_view name = line.substr(0, colon);
    if (colon == std::string_view::npos || !isToken(name)) {
      throw HttpError(400, "malformed header");
    }
    const std::string_view value = trimmed(line.substr(colon + 1));
    if (!std::all_of(value.begin(), value.end(), isFieldByte)) {
      throw HttpError(400, "malformed value of a header");
    }
    framing(name, value);
    for (const TextField& row : kTextFields) {
      if (!equals(name, row.name)) continue;
      if (row.name == "host") ++hosts_;
      request_.*row.field = value;
    }
  }

  void framing(std::string_view name, std::string_view value) {
    if (equals(name, "content-length")) {
      once(name, request_.content_length, value);
    } else if (equals(name, "inference-header-content-length")) {
      once(name, request_.inference_header_length, value);
    } else if (equals(name, "transfer-encoding")) {
      if (request_.chunked || !equals(value, "chunked")) {
        throw HttpError(501, "Transfer-Encoding: expected chunked");
      }
      request_.chunked = true;
    } else if (equals(name, "connection")) {
      if (lists(value, "close")) request_.keep_alive = false;
    } else if (equals(name, "expect")) {
      if (!equals(value, "100-continue")) throw HttpError(417, "Expect: expected 100-continue");
      request_.expects_continue = is_1_1_;
    }
  }

  static void once(std::string_view name, std::optional<std::size_t>& field,
                   std::string_view value) {
    if (field.has_value()) throw HttpError(400, std::string(name) + " came twice");
    field = lengthOf(name, value);
  }

  void finish() const {
    if (is_1_1_ ? hosts_ != 1 : hosts_ > 1) throw HttpError(400, "expected one Host header");
    if (request_.chunked && (request_.content_length.has_value() || !is_1_1_)) {
      throw HttpError(400, "Transfer-Encoding beside Content-Length, or in HTTP/1.0");
    }
    if (request_.content_length.value_or(0) > limits_.body_bytes) {
      throw HttpError(413, "expected a body of at most " + std::to_string(limits_.body_bytes) +
                               " bytes, got " + std::to_string(*request_.content_length));
    }
  }

  std::string_view left_;
  const HttpLimits& limits_;
  HttpRequest request_;
  bool is_1_1_ = false;
  std::size_t hosts_ = 0;
};

struct Reason {
  int status;
  const char* text;
};
constexpr std::array<Reason, 22> kReasons = {{
    {200, "OK"},
    {204, "No Content"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {413, "Content Too Large"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {499, "Client Closed Request"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {302, "Found"},
    {304, "Not Modified"},
}};

}  // namespace

std::string_view HttpRequest::query() const noexcept {
  const std::size_t mark = target.find('?');
  return mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
}

HttpRequest readHead(std::string_view head, const HttpLimits& limits) {
  return HeadReader(head, limits).read();
}

const char* reasonOf(int status) noexcept {
  for (const Reason& row : kReasons) {
    if (row.status == status) return row.text;
  }
  return "Unknown";
}

void appendAnswer(const HttpAnswer& answer, bool keep_alive, bool with_body, std::string& out,
                  std::string_view more_headers) {
  out.reserve(out.size() + answer.body.size() + answer.headers.size() + 160);
  out += "HTTP/1.1 ";
  wire::appendInteger(answer.status, out);
  out.push_back(' ');
  out += reasonOf(answer.status);
  if (!answer.content_type.empty()) {
    out += "\r\nContent-Type: ";
    out += answer.content_type;
  }
  out += "\r\nContent-Length: ";
  wire::appendInteger(static_cast<int64_t>(answer.body.size()), out);
  out += keep_alive ? kLineEnd : "\r\nConnection: close\r\n";
  out += answer.headers;
  out += more_headers;
  out += kLineEnd;
  if (with_body) out += answer.body;
}

HttpAnswer errorAnswer(int status, std::string_view message) {
  HttpAnswer answer;
  answer.status = status;
  answer.body = "{\"error\": ";
  wire::appendJsonString(wire::isUtf8(message) ? message : "text that isn't UTF-8", answer.body);
  answer.body.push_back('}');
  return answer;
}

}  // namespace aios::server::protocol
