#include "server/protocol/http2_connection.hpp"

#include <exception>
#include <limits>
#include <new>
#include <utility>

namespace aios::server::protocol {
namespace {

// Calls that a client may give up at once, and frames that do nothing. Resets after half of a
// call's own time are free: that is what deadlines do.
constexpr FloodGuard::Rates kResets{1000, 1000, 1};
constexpr FloodGuard::Rates kControl{1000, 500, 10};

Http2Limits sessionLimits(const HttpLimits& limits) {
  Http2Limits of_session;
  of_session.streams = limits.streams;
  of_session.header_list_bytes = static_cast<uint32_t>(limits.head_bytes);
  return of_session;
}

Clock::time_point deadlineOf(const GrpcHead& head) {
  if (!head.timeout().has_value()) return Clock::time_point::max();
  const auto now = Clock::now();
  if (*head.timeout() >= Clock::time_point::max() - now) return Clock::time_point::max();
  return now + *head.timeout();
}

// What the trailers of a call say.
class StatusTexts {
 public:
  explicit StatusTexts(const GrpcAnswer& status)
      : code_(std::to_string(status.code)), message_(percentEncoded(status.message)) {}
  void addTo(Http2Headers& headers) const {
    headers.add("grpc-status", code_);
    if (!message_.empty()) headers.add("grpc-message", message_);
  }

 private:
  std::string code_;
  std::string message_;
};

// What is known of a call before its messages.
GrpcRequest requestOf(GrpcStream& stream) {
  GrpcRequest request;
  request.path = stream.head.path();
  request.authorization = stream.head.authorization();
  request.traceparent = stream.head.traceparent();
  request.is_forwarded = stream.head.isForwarded();
  request.waiter = {static_cast<uint64_t>(stream.id), stream.deadline, &stream.cancellation};
  return request;
}

bool isHalfOver(const GrpcStream& stream) {
  if (stream.deadline == Clock::time_point::max()) return false;
  return Clock::now() + *stream.head.timeout() / 2 >= stream.deadline;
}

}  // namespace

Http2Connection::Http2Connection(Service& service, const HttpLimits& limits)
    : service_(service),
      limits_(limits),
      session_(*this, sessionLimits(limits)),
      resets_(kResets),
      control_(kControl) {
  pump();
}

void Http2Connection::feed(std::string_view bytes) {
  if (closing_) return;
  const bool goes_on = session_.feed(bytes);
  if (is_out_of_memory_) throw std::bad_alloc();
  if (is_flooded_) abandon();
  pump();
  if (!goes_on) closing_ = true;
}

bool Http2Connection::complete(uint64_t request, Answer&& answer) {
  auto* const grpc = std::get_if<GrpcAnswer>(&answer);
  if (grpc == nullptr || request > std::numeric_limits<int32_t>::max()) return false;
  GrpcStream* const stream = find(static_cast<int32_t>(request));
  if (stream == nullptr || !stream->is_waiting) return false;
  stream->is_waiting = false;
  stream->cancellation.reset();
  deliver(*stream, std::move(*grpc));
  advance(*stream);
  pump();
  if (is_out_of_memory_) throw std::bad_alloc();
  return true;
}

void Http2Connection::tick(Clock::time_point now) {
  resets_.tick();
  control_.tick();
  for (const auto& [id, stream] : streams_) {
    if (stream->is_waiting) {
      if (now >= stream->deadline) {
        finish(*stream, static_cast<int>(ErrorCode::kDeadlineExceeded), "Deadline exceeded");
      }
    } else if (isStuck(*stream, now)) {
      stream->is_finished ? session_.reset(id, Http2Error::kCancel)
                          : finish(*stream, static_cast<int>(ErrorCode::kDeadlineExceeded),
                                   "the request took too long to come");
    }
  }
  pump();
}

bool Http2Connection::isStuck(GrpcStream& stream, Clock::time_point now) const {
  const bool comes =
      stream.kind == GrpcKind::kUnary ? !stream.is_read : stream.messages.size() != 0;
  if (!stream.is_finished && !comes) {
    stream.stuck_since = Clock::time_point::max();
    return false;
  }
  if (stream.stuck_since > now || stream.seen_progress != stream.progress) {
    stream.stuck_since = now;
    stream.seen_progress = stream.progress;
  }
  const auto longest = stream.is_finished ? limits_.answer_timeout : limits_.request_timeout;
  return now - stream.stuck_since > longest;
}

void Http2Connection::timeOut() {
  session_.goAway(Http2Error::kNone);
  pump();
  closing_ = true;
}

void Http2Connection::drain() {
  if (draining_) return;
  draining_ = true;
  session_.goAway(Http2Error::kNone);
  for (const auto& [id, stream] : streams_) advance(*stream);
  pump();
}

void Http2Connection::sent(std::size_t bytes) {
  out_.sent(bytes, limits_.unread_bytes);
  pump();
}

void Http2Connection::pump() {
  while (!isFull()) {
    const std::string_view bytes = session_.next();
    if (bytes.empty()) break;
    out_.text() += bytes;
  }
  if (!ready_.empty()) {
    for (const int32_t id : std::exchange(ready_, {})) {
      if (GrpcStream* const stream = find(id); stream != nullptr) advance(*stream);
    }
    return pump();
  }
  if (isFull()) return;
  if (!session_.isAlive() || (draining_ && streams_.empty())) closing_ = true;
}

GrpcStream* Http2Connection::find(int32_t stream) noexcept {
  if (last_ != nullptr && last_->id == stream) return last_;
  const auto found = streams_.find(stream);
  if (found == streams_.end()) return nullptr;
  last_ = found->second.get();
  return last_;
}

template <typename Step>
void Http2Connection::with(int32_t id, const Step& step) noexcept {
  GrpcStream* const stream = find(id);
  if (stream == nullptr) return;
  try {
    try {
      step(*stream);
    } catch (const GrpcError& error) {
      finish(*stream, error.code(), error.what());
    }
  } catch (const std::exception&) {
    is_out_of_memory_ = true;
  }
}

bool Http2Connection::onBegin(int32_t stream) noexcept {
  try {
    auto& place = streams_[stream];
    place = std::make_unique<GrpcStream>(stream);
    last_ = place.get();
    return true;
  } catch (const std::exception&) {
    is_out_of_memory_ = true;
    return false;
  }
}

void Http2Connection::onHeader(int32_t stream, const Http2Header& header) noexcept {
  with(stream, [&](GrpcStream& of) {
    if (of.head.bytes() <= limits_.head_bytes) of.head.add(header.name, header.value);
  });
}

void Http2Connection::onHeadersEnd(int32_t stream) noexcept {
  with(stream, [&](GrpcStream& of) { begin(of); });
}

void Http2Connection::begin(GrpcStream& stream) {
  if (stream.head.bytes() > limits_.head_bytes) {
    throw GrpcError(ErrorCode::kOverloaded,
                    "expected headers of at most " + std::to_string(limits_.head_bytes) + " bytes");
  }
  const int status = stream.head.httpStatus();
  if (status != 200) {
    stream.is_finished = true;
    stream.is_responding = true;
    const std::string text = std::to_string(status);
    Http2Headers headers;
    headers.add(":status", text);
    session_.respond(stream.id, headers, false);
    return;
  }
  stream.head.check();
  stream.kind = service_.kindOf(stream.head.path());
  stream.deadline = deadlineOf(stream.head);
  stream.messages.setEncoding(stream.head.encoding());
  GrpcAnswer answer;
  if (service_.refusesCall(requestOf(stream), answer)) finish(stream, answer.code, answer.message);
}

void Http2Connection::onData(int32_t stream, std::string_view bytes) noexcept {
  with(stream, [&](GrpcStream& of) { take(of, bytes); });
}

void Http2Connection::take(GrpcStream& stream, std::string_view bytes) {
  if (stream.is_finished) return session_.consume(stream.id, bytes.size());
  if (buffered_ + bytes.size() > 2 * limits_.body_bytes) {
    throw GrpcError(ErrorCode::kOverloaded, "too many bytes of requests came on this connection");
  }
  stream.messages.append(bytes, limits_.body_bytes);
  account(stream);
  // Where messages wait for those before them, so does the client.
  stream.unconsumed += bytes.size();
  if (!stream.is_waiting) {
    session_.consume(stream.id, std::exchange(stream.unconsumed, 0));
  }
  if (stream.kind != GrpcKind::kUnary) advance(stream);
}

void Http2Connection::account(GrpcStream& stream) noexcept {
  buffered_ -= std::exchange(stream.buffered, stream.messages.size());
  buffered_ += stream.buffered;
}

void Http2Connection::onEnd(int32_t stream) noexcept {
  with(stream, [&](GrpcStream& of) {
    of.is_read = true;
    advance(of);
  });
}

void Http2Connection::advance(GrpcStream& stream) {
  try {
    while (!stream.is_finished && !stream.is_waiting) {
      if (stream.kind == GrpcKind::kUnary && !stream.is_read) return;
      if (stream.answers.size() > limits_.unread_bytes) {
        stream.is_held = true;
        return;
      }
      if (!stream.messages.hasMessage()) return settle(stream);
      serve(stream);
    }
  } catch (const GrpcError& error) {
    finish(stream, error.code(), error.what());
  }
}

// A call of which no message is left.
void Http2Connection::settle(GrpcStream& stream) {
  const bool is_cut = stream.is_read && stream.messages.size() != 0;
  if (is_cut || (stream.is_read && stream.served == 0)) {
    throw GrpcError(ErrorCode::kInternal, "expected a whole message before the end of the call");
  }
  if (stream.is_read && stream.kind == GrpcKind::kEach) return finish(stream, 0, "");
  if (draining_) throw GrpcError(ErrorCode::kUnavailable, "the server goes away");
}

void Http2Connection::serve(GrpcStream& stream) {
  ++stream.served;
  if (stream.kind != GrpcKind::kEach && (stream.served > 1 || !stream.messages.isSingle())) {
    throw GrpcError(ErrorCode::kInternal, "expected one message, got more");
  }
  ++stream.progress;
  if (stream.deadline != Clock::time_point::max() && Clock::now() >= stream.deadline) {
    throw GrpcError(ErrorCode::kDeadlineExceeded, "Deadline exceeded");
  }
  GrpcRequest request = requestOf(stream);
  request.message = stream.messages.front(limits_.body_bytes);
  GrpcAnswer answer;
  stream.is_waiting = !service_.call(request, answer);
  stream.messages.pop();
  account(stream);
  if (!stream.is_waiting) deliver(stream, std::move(answer));
}

void Http2Connection::deliver(GrpcStream& stream, GrpcAnswer&& answer) {
  if (stream.unconsumed != 0) session_.consume(stream.id, std::exchange(stream.unconsumed, 0));
  if (answer.code != 0) return finish(stream, answer.code, answer.message);
  stream.answers.push(std::move(answer.body), stream.head.answerEncoding());
  resets_.answered();
  control_.answered();
  if (stream.kind == GrpcKind::kUnary) return finish(stream, 0, "");
  ++answered_;
  respond(stream);
}

void Http2Connection::finish(GrpcStream& stream, int code, std::string_view message) {
  if (stream.is_finished) return;
  ++answered_;
  stream.is_finished = true;
  stream.is_waiting = false;
  stream.cancellation.cancel();
  stream.status.code = code;
  stream.status.message = message;
  stream.messages.clear();
  account(stream);
  if (stream.unconsumed != 0) session_.consume(stream.id, std::exchange(stream.unconsumed, 0));
  respond(stream);
}

// The first call begins the answer; a later one tells that there is more of it.
void Http2Connection::respond(GrpcStream& stream) {
  if (std::exchange(stream.is_responding, true)) return session_.resume(stream.id);
  Http2Headers headers;
  headers.add(":status", "200");
  headers.add("content-type", "application/grpc");
  if (stream.head.answerEncoding() != wire::Encoding::kIdentity) {
    headers.add("grpc-encoding", name(stream.head.answerEncoding()));
  }
  if (!stream.head.hasKnownEncoding()) headers.add("grpc-accept-encoding", "identity,deflate,gzip");
  const bool is_status_all = stream.is_finished && stream.answers.size() == 0;
  const StatusTexts texts(stream.status);
  if (is_status_all) texts.addTo(headers);
  session_.respond(stream.id, headers, !is_status_all);
}

std::size_t Http2Connection::onBody(int32_t stream, char* buffer, std::size_t size,
                                    bool& is_last) noexcept {
  std::size_t count = 0;
  with(stream, [&](GrpcStream& of) {
    count = of.answers.read(buffer, size);
    of.progress += count;
    if (of.is_held && of.answers.size() <= limits_.unread_bytes) {
      of.is_held = false;
      ready_.push_back(stream);
    }
    is_last = of.is_finished && of.answers.size() == 0;
    if (!is_last) return;
    Http2Headers headers;
    const StatusTexts texts(of.status);
    texts.addTo(headers);
    session_.trail(stream, headers);
  });
  return count;
}

void Http2Connection::onClosed(int32_t stream) noexcept {
  const GrpcStream* const closed = find(stream);
  if (closed == nullptr) return;
  buffered_ -= closed->buffered;
  last_ = nullptr;
  streams_.erase(stream);
}

void Http2Connection::onReset(int32_t stream) noexcept {
  const GrpcStream* const of = find(stream);
  if (of != nullptr && isHalfOver(*of)) return;
  if (!resets_.spend()) flood();
}

void Http2Connection::onControl() noexcept {
  if (!control_.spend()) flood();
}

void Http2Connection::flood() noexcept {
  try {
    if (!std::exchange(is_flooded_, true)) session_.goAway(Http2Error::kEnhanceYourCalm);
  } catch (const std::bad_alloc&) {
    is_out_of_memory_ = true;
  }
}

void Http2Connection::abandon() noexcept {
  last_ = nullptr;
  buffered_ = 0;
  streams_.clear();
}

}  // namespace aios::server::protocol
