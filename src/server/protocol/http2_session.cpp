#include "server/protocol/http2_session.hpp"

#include <nghttp2/nghttp2.h>

#include <array>
#include <new>

namespace aios::server::protocol {
namespace {

Http2Events& eventsOf(void* user_data) { return *static_cast<Http2Events*>(user_data); }

bool isRequest(const nghttp2_frame* frame) {
  return frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST;
}

int onBeginHeaders(nghttp2_session*, const nghttp2_frame* frame, void* user_data) {
  if (!isRequest(frame)) return 0;
  const bool begun = eventsOf(user_data).onBegin(frame->hd.stream_id);
  return begun ? 0 : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

int onHeader(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name,
             std::size_t name_bytes, const uint8_t* value, std::size_t value_bytes, uint8_t,
             void* user_data) {
  if (!isRequest(frame)) return 0;
  eventsOf(user_data).onHeader(frame->hd.stream_id,
                               {{reinterpret_cast<const char*>(name), name_bytes},
                                {reinterpret_cast<const char*>(value), value_bytes}});
  return 0;
}

// Whether a client could send frames like this one for ever, and make no progress.
bool isControl(const nghttp2_frame* frame) {
  const bool is_ack = (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0;
  const bool ends = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  switch (frame->hd.type) {
    case NGHTTP2_PING:
    case NGHTTP2_SETTINGS:
      return !is_ack;
    case NGHTTP2_DATA:
      return frame->hd.length == 0 && !ends;
    case NGHTTP2_HEADERS:
    case NGHTTP2_WINDOW_UPDATE:
    case NGHTTP2_RST_STREAM:
      return false;
    default:
      return true;
  }
}

int onFrame(nghttp2_session*, const nghttp2_frame* frame, void* user_data) {
  Http2Events& events = eventsOf(user_data);
  const int32_t stream = frame->hd.stream_id;
  if (isControl(frame)) events.onControl();
  if (frame->hd.type == NGHTTP2_RST_STREAM) events.onReset(stream);
  if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
  if (isRequest(frame)) events.onHeadersEnd(stream);
  if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) events.onEnd(stream);
  return 0;
}

int onInvalidFrame(nghttp2_session*, const nghttp2_frame*, int, void* user_data) {
  eventsOf(user_data).onControl();
  return 0;
}

int onData(nghttp2_session* session, uint8_t, int32_t stream, const uint8_t* bytes,
           std::size_t size, void* user_data) {
  eventsOf(user_data).onData(stream, {reinterpret_cast<const char*>(bytes), size});
  return nghttp2_session_consume_connection(session, size);
}

int onClosed(nghttp2_session*, int32_t stream, uint32_t, void* user_data) {
  eventsOf(user_data).onClosed(stream);
  return 0;
}

// An answer that was whole before its request was: the client need not send the rest.
int onSent(nghttp2_session* session, const nghttp2_frame* frame, void*) {
  if (frame->hd.type != NGHTTP2_HEADERS || (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) {
    return 0;
  }
  const int32_t stream = frame->hd.stream_id;
  if (nghttp2_session_get_stream_remote_close(session, stream) != 0) return 0;
  return nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, stream, NGHTTP2_NO_ERROR);
}

ssize_t readBody(nghttp2_session*, int32_t stream, uint8_t* buffer, std::size_t size,
                 uint32_t* flags, nghttp2_data_source*, void* user_data) {
  bool is_last = false;
  const std::size_t count =
      eventsOf(user_data).onBody(stream, reinterpret_cast<char*>(buffer), size, is_last);
  if (is_last) {
    *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
  } else if (count == 0) {
    return NGHTTP2_ERR_DEFERRED;
  }
  return static_cast<ssize_t>(count);
}

struct Callbacks {
  Callbacks() {
    if (nghttp2_session_callbacks_new(&value) != 0) throw std::bad_alloc();
    nghttp2_session_callbacks_set_on_begin_headers_callback(value, onBeginHeaders);
    nghttp2_session_callbacks_set_on_header_callback(value, onHeader);
    nghttp2_session_callbacks_set_on_frame_recv_callback(value, onFrame);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(value, onInvalidFrame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(value, onData);
    nghttp2_session_callbacks_set_on_stream_close_callback(value, onClosed);
    nghttp2_session_callbacks_set_on_frame_send_callback(value, onSent);
  }
  ~Callbacks() { nghttp2_session_callbacks_del(value); }
  Callbacks(const Callbacks&) = delete;
  Callbacks& operator=(const Callbacks&) = delete;

  nghttp2_session_callbacks* value = nullptr;
};

struct Options {
  Options() {
    if (nghttp2_option_new(&value) != 0) throw std::bad_alloc();
    nghttp2_option_set_no_auto_window_update(value, 1);
    // Whoever owns the session counts resets: nghttp2's own limit would cut clients whose calls
    // have deadlines, and that under load.
#ifdef AIOS_NGHTTP2_LIMITS_RESETS
    nghttp2_option_set_stream_reset_rate_limit(value, UINT32_MAX, UINT32_MAX);
#endif
  }
  ~Options() { nghttp2_option_del(value); }
  Options(const Options&) = delete;
  Options& operator=(const Options&) = delete;

  nghttp2_option* value = nullptr;
};

// nghttp2 takes text as not constant, and copies it.
class NameValues {
 public:
  explicit NameValues(const Http2Headers& headers) {
    const auto bytes = [](std::string_view text) {
      return reinterpret_cast<uint8_t*>(const_cast<char*>(text.data()));
    };
    for (const auto& [name, value] : headers) {
      values_[size_++] = {bytes(name), bytes(value), name.size(), value.size(),
                          NGHTTP2_NV_FLAG_NONE};
    }
  }
  const nghttp2_nv* data() const noexcept { return values_.data(); }
  std::size_t size() const noexcept { return size_; }

 private:
  std::array<nghttp2_nv, Http2Headers::kMost> values_;
  std::size_t size_ = 0;
};

void orBadAlloc(int result) {
  if (result == NGHTTP2_ERR_NOMEM) throw std::bad_alloc();
}

}  // namespace

void Http2Session::Ended::operator()(nghttp2_session* session) const noexcept {
  nghttp2_session_del(session);
}

Http2Session::Http2Session(Http2Events& events, const Http2Limits& limits) {
  const Callbacks callbacks;
  const Options options;
  nghttp2_session* session = nullptr;
  orBadAlloc(nghttp2_session_server_new2(&session, callbacks.value, &events, options.value));
  session_.reset(session);
  const std::array<nghttp2_settings_entry, 3> settings = {{
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits.streams},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits.stream_window},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, limits.header_list_bytes},
  }};
  orBadAlloc(nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings.data(), settings.size()));
  orBadAlloc(nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0,
                                                   limits.connection_window));
}

Http2Session::~Http2Session() = default;

bool Http2Session::feed(std::string_view bytes) {
  const ssize_t read = nghttp2_session_mem_recv(
      session_.get(), reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  if (read == NGHTTP2_ERR_NOMEM) throw std::bad_alloc();
  return read == static_cast<ssize_t>(bytes.size());
}

std::string_view Http2Session::next() {
  const uint8_t* bytes = nullptr;
  const ssize_t size = nghttp2_session_mem_send(session_.get(), &bytes);
  if (size == NGHTTP2_ERR_NOMEM) throw std::bad_alloc();
  if (size <= 0) return {};
  return {reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size)};
}

bool Http2Session::isAlive() const noexcept {
  return nghttp2_session_want_read(session_.get()) != 0 ||
         nghttp2_session_want_write(session_.get()) != 0;
}

void Http2Session::respond(int32_t stream, const Http2Headers& headers, bool with_body) {
  const NameValues values(headers);
  const nghttp2_data_provider body = {{}, readBody};
  orBadAlloc(nghttp2_submit_response(session_.get(), stream, values.data(), values.size(),
                                     with_body ? &body : nullptr));
}

void Http2Session::trail(int32_t stream, const Http2Headers& headers) {
  const NameValues values(headers);
  orBadAlloc(nghttp2_submit_trailer(session_.get(), stream, values.data(), values.size()));
}

void Http2Session::resume(int32_t stream) {
  orBadAlloc(nghttp2_session_resume_data(session_.get(), stream));
}

void Http2Session::reset(int32_t stream, Http2Error error) {
  orBadAlloc(nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, stream,
                                       static_cast<uint32_t>(error)));
}

void Http2Session::consume(int32_t stream, std::size_t bytes) {
  orBadAlloc(nghttp2_session_consume_stream(session_.get(), stream, bytes));
}

void Http2Session::goAway(Http2Error error) {
  nghttp2_session* const session = session_.get();
  if (error != Http2Error::kNone) {
    orBadAlloc(nghttp2_session_terminate_session(session, static_cast<uint32_t>(error)));
    return;
  }
  orBadAlloc(nghttp2_submit_goaway(session, NGHTTP2_FLAG_NONE,
                                   nghttp2_session_get_last_proc_stream_id(session),
                                   NGHTTP2_NO_ERROR, nullptr, 0));
}

}  // namespace aios::server::protocol
