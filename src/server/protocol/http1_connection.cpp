#include "server/protocol/http1_connection.hpp"

#include "server/protocol/http2.hpp"

namespace aios::server::protocol {
namespace {

constexpr std::string_view kHeadEnd = "\r\n\r\n";
// What a client of HTTP/2 begins with: as a head of HTTP/1.1 it is whole, and means nothing.
constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\n";
}  // namespace

void Http1Connection::feed(std::string_view bytes) {
  if (closing_) return;
  if (in_.empty() && wantsInput()) {
    in_ = std::string(bytes.substr(serve(bytes)));
  } else {
    in_.append(bytes);
    if (wantsInput() && in_.size() >= needed_) in_.erase(0, serve(in_));
  }
  if (closing_) in_.clear();
  if (in_.empty()) shrink(in_);
}

std::size_t Http1Connection::serve(std::string_view bytes) {
  std::size_t served = 0;
  while (wantsInput() && served < bytes.size()) {
    const std::size_t one = serveOne(bytes.substr(served));
    if (one == 0) break;
    served += one;
  }
  return served;
}

std::size_t Http1Connection::serveOne(std::string_view bytes) try {
  // A client may send an empty line after a body (RFC 9112, section 2.2).
  if (bytes.substr(0, 2) == "\r\n") return 2;
  const std::size_t end = bytes.find(kHeadEnd, head_seen_ < 3 ? 0 : head_seen_ - 3);
  const std::size_t head = end == std::string_view::npos ? bytes.size() : end + kHeadEnd.size();
  if (head > limits_.head_bytes) {
    throw HttpError(431,
                    "expected a head of at most " + std::to_string(limits_.head_bytes) + " bytes");
  }
  head_seen_ = end == std::string_view::npos ? head : 0;
  if (end == std::string_view::npos) return 0;
  if (answered_ == 0 && bytes.substr(0, head) == kPreface && becomeHttp2(bytes)) {
    return bytes.size();
  }
  HttpRequest request = readHead(bytes.substr(0, head), limits_);
  const std::size_t size = wholeSize(bytes, head, request);
  if (size == 0) return closing_ ? bytes.size() : 0;
  needed_ = 0;
  continued_ = false;
  admitted_ = false;
  // The number of the request, as complete() gets it.
  request.waiter = {answered_, Clock::time_point::max(), &cancellation_};
  HttpAnswer answer;
  if (service_.answer(request, answer)) {
    answerNow(request, answer);
  } else {
    waiting_ = true;
    waiting_keeps_alive_ = request.keep_alive;
    waiting_with_body_ = request.method != "HEAD";
  }
  chunks_.reset();
  return size;
} catch (const HttpError& error) {
  refuse(error.status(), error.what());
  return bytes.size();
}

bool Http1Connection::becomeHttp2(std::string_view bytes) {
  successor_ = http2Connection(service_, limits_);
  if (successor_ == nullptr) return false;
  successor_->feed(bytes);
  closing_ = true;
  return true;
}

std::size_t Http1Connection::wholeSize(std::string_view bytes, std::size_t head,
                                       HttpRequest& request) {
  const std::string_view rest = bytes.substr(head);
  const std::size_t length = request.content_length.value_or(0);
  if (request.chunked) {
    if (chunks_.read(rest, limits_.body_bytes)) {
      request.body = chunks_.body();
      return head + chunks_.offset();
    }
  } else if (rest.size() >= length) {
    request.body = rest.substr(0, length);
    return head + length;
  } else {
    needed_ = head + length;
  }
  if (!admitted_ && !admit(request)) return 0;
  if (request.expects_continue && !continued_ && rest.empty()) {
    out_.text() += "HTTP/1.1 100 Continue\r\n\r\n";
    continued_ = true;
  }
  return 0;
}

// Asked once a request, while its body is missing.
bool Http1Connection::admit(const HttpRequest& head) {
  HttpAnswer answer;
  admitted_ = !service_.refuses(head, answer);
  if (admitted_) return true;
  appendAnswer(answer, false, true, out_.text(), limits_.every_answer);
  closing_ = true;
  return false;
}

void Http1Connection::answerNow(const HttpRequest& request, const HttpAnswer& answer) {
  ++answered_;
  const bool keep_alive = request.keep_alive && !draining_;
  appendAnswer(answer, keep_alive, request.method != "HEAD", out_.text(), limits_.every_answer);
  if (!keep_alive) closing_ = true;
}

bool Http1Connection::complete(uint64_t request, Answer&& answer) {
  const auto* const http = std::get_if<HttpAnswer>(&answer);
  if (!waiting_ || request != answered_ || http == nullptr) return false;
  waiting_ = false;
  cancellation_.reset();
  ++answered_;
  const bool keep_alive = waiting_keeps_alive_ && !draining_;
  appendAnswer(*http, keep_alive, waiting_with_body_, out_.text(), limits_.every_answer);
  if (!keep_alive) closing_ = true;
  if (closing_) in_.clear();
  if (wantsInput() && !in_.empty()) in_.erase(0, serve(in_));
  return true;
}

void Http1Connection::refuse(int status, std::string_view message) {
  appendAnswer(errorAnswer(status, message), false, true, out_.text(), limits_.every_answer);
  closing_ = true;
  in_.clear();
}

void Http1Connection::timeOut() {
  if (isMidRequest()) {
    refuse(408, "the request took too long to come");
  } else {
    closing_ = true;
  }
}

void Http1Connection::drain() {
  draining_ = true;
  if (!waiting_ && in_.empty()) closing_ = true;
}

void Http1Connection::sent(std::size_t bytes) {
  out_.sent(bytes, limits_.unread_bytes);
  // Also after a part: a client that never reads all must not let the input pile up.
  if (wantsInput() && !in_.empty() && in_.size() >= needed_) in_.erase(0, serve(in_));
}

}  // namespace aios::server::protocol
