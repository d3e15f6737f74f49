// HTTP/1.1 as far as a server of models needs it: heads of requests in, heads of answers out.
// Strict where two readers could understand a message differently (RFC 9112, section 11.2): one
// line end, one length, no folded lines.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "server/protocol/waiter.hpp"

namespace aios::server::protocol {

struct HttpLimits {
  std::size_t head_bytes = 16 << 10;
  std::size_t headers = 100;
  std::size_t body_bytes = std::size_t{64} << 20;
  // Answers that a client hasn't read yet, before no more of its requests are answered.
  std::size_t unread_bytes = std::size_t{1} << 20;
  std::string every_answer;  // headers that each answer has, each with its line end
  // Of HTTP/2: calls at a time, and how long one may take to come, or its answer to go.
  uint32_t streams = 256;
  std::chrono::milliseconds request_timeout{10000};
  std::chrono::milliseconds answer_timeout{30000};
};

// Why a connection is answered and closed.
class HttpError : public std::runtime_error {
 public:
  HttpError(int status, const std::string& message)
      : std::runtime_error(message), status_(status) {}
  int status() const noexcept { return status_; }

 private:
  int status_;
};

// Borrows the bytes that it was read from. A header that didn't come is empty.
struct HttpRequest {
  std::string_view method;
  std::string_view target;  // as it came: path and query
  std::string_view accept;
  std::string_view accept_encoding;
  std::string_view authorization;
  std::string_view content_encoding;
  std::string_view content_type;
  std::string_view forwarded;  // whose request it is, where a proxy sends it
  std::string_view host;
  std::string_view origin;
  std::string_view traceparent;
  std::optional<std::size_t> content_length;
  std::optional<std::size_t> inference_header_length;  // KServe's binary tensors
  bool chunked = false;
  bool expects_continue = false;
  bool keep_alive = true;
  std::string_view body;
  Waiter waiter;

  std::string_view path() const noexcept { return target.substr(0, target.find('?')); }
  std::string_view query() const noexcept;
};

// Reads a head, with the empty line that ends it. Throws HttpError for what it refuses.
HttpRequest readHead(std::string_view head, const HttpLimits& limits);

// What is told a client.
struct HttpAnswer {
  int status = 200;
  std::string_view content_type = "application/json";  // outlives the answer
  std::string headers;                                 // more of them, each with its line end
  std::string body;
};

const char* reasonOf(int status) noexcept;
// Appends an answer; without the body to a request with the method HEAD.
void appendAnswer(const HttpAnswer& answer, bool keep_alive, bool with_body, std::string& out,
                  std::string_view more_headers = {});
// {"error": "…"}, as the answer to a client's or a server's fault.
HttpAnswer errorAnswer(int status, std::string_view message);

}  // namespace aios::server::protocol
