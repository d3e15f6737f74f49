// nghttp2's own client as the peer of a connection, over memory.
#pragma once

#include <gtest/gtest.h>
#include <nghttp2/nghttp2.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/protocol/connection.hpp"
#include "server/protocol/grpc.hpp"

namespace aios::server::protocol {

inline std::string framed(std::string_view message, bool is_compressed = false) {
  const auto prefix = grpcPrefix(message.size(), is_compressed);
  return std::string(prefix.data(), prefix.size()).append(message);
}

class Http2Client {
 public:
  using Headers = std::map<std::string, std::string>;
  // What came back on a stream.
  struct Response {
    Headers headers;  // with those of the trailers
    std::string body;
    std::optional<uint32_t> closed;  // the error, 0 for none
    bool has_trailers = false;
  };

  Http2Client() {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, onHeader);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, onFrame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, onData);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, onClosed);
    nghttp2_session* session = nullptr;
    nghttp2_session_client_new(&session, callbacks, this);
    nghttp2_session_callbacks_del(callbacks);
    session_.reset(session);
    nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, nullptr, 0);
  }

  // A call with these bytes; `more` leaves it open for send().
  int32_t call(const std::string& path, std::string bytes, const Headers& headers = {},
               bool more = false) {
    Headers all = {{":method", "POST"}, {":scheme", "http"}, {":authority", "a"},
                   {":path", path},     {"te", "trailers"},  {"content-type", "application/grpc"}};
    for (const auto& [name, value] : headers) all[name] = value;
    std::vector<nghttp2_nv> values;
    for (const bool pseudo : {true, false}) {
      for (const auto& [name, value] : all) {
        if ((name.front() == ':') != pseudo) continue;
        values.push_back({bytesOf(name), bytesOf(value), name.size(), value.size(), 0});
      }
    }
    auto body = std::make_unique<Body>(Body{std::move(bytes), 0, !more});
    nghttp2_data_provider provider{};
    provider.source.ptr = body.get();
    provider.read_callback = readBody;
    const int32_t stream = nghttp2_submit_request(session_.get(), nullptr, values.data(),
                                                  values.size(), &provider, nullptr);
    EXPECT_GT(stream, 0);
    bodies_[stream] = std::move(body);
    return stream;
  }
  void send(int32_t stream, std::string_view bytes, bool end = false) {
    bodies_[stream]->bytes += bytes;
    bodies_[stream]->is_whole = end;
    nghttp2_session_resume_data(session_.get(), stream);
  }
  void cancel(int32_t stream) {
    nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, stream, NGHTTP2_CANCEL);
  }
  void ping() { nghttp2_submit_ping(session_.get(), NGHTTP2_FLAG_NONE, nullptr); }

  // The bytes that it has to send now.
  std::string output() {
    std::string all;
    const uint8_t* bytes = nullptr;
    for (;;) {
      const ssize_t size = nghttp2_session_mem_send(session_.get(), &bytes);
      if (size <= 0) return all;
      all.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
    }
  }
  void feed(std::string_view bytes) {
    EXPECT_EQ(nghttp2_session_mem_recv(
                  session_.get(), reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()),
              static_cast<ssize_t>(bytes.size()));
  }
  // Moves bytes both ways until neither has any; those to the server in pieces.
  void talk(Connection& server, std::size_t piece = 1 << 20) {
    for (;;) {
      std::string to = output();
      if (to.empty() && server.output().empty()) return;
      for (std::size_t at = 0; at < to.size(); at += piece) {
        server.feed(std::string_view(to).substr(at, piece));
      }
      // The server's own reading is part of this: it may have answered with more.
      const std::string from(server.output());
      feed(from);
      server.sent(from.size());
    }
  }

  Response& of(int32_t stream) { return responses_[stream]; }
  std::optional<uint32_t> goaway() const { return goaway_; }

 private:
  struct Body {
    std::string bytes;
    std::size_t sent;
    bool is_whole;
  };
  struct Deleted {
    void operator()(nghttp2_session* session) const { nghttp2_session_del(session); }
  };

  static uint8_t* bytesOf(const std::string& text) {
    return reinterpret_cast<uint8_t*>(const_cast<char*>(text.data()));
  }
  static Http2Client& self(void* user_data) { return *static_cast<Http2Client*>(user_data); }
  static int onHeader(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name,
                      std::size_t name_bytes, const uint8_t* value, std::size_t value_bytes,
                      uint8_t, void* user_data) {
    Response& response = self(user_data).of(frame->hd.stream_id);
    response.headers[std::string(reinterpret_cast<const char*>(name), name_bytes)] =
        std::string(reinterpret_cast<const char*>(value), value_bytes);
    if (frame->headers.cat == NGHTTP2_HCAT_HEADERS) response.has_trailers = true;
    return 0;
  }
  static int onFrame(nghttp2_session*, const nghttp2_frame* frame, void* user_data) {
    if (frame->hd.type == NGHTTP2_GOAWAY) self(user_data).goaway_ = frame->goaway.error_code;
    return 0;
  }
  static int onData(nghttp2_session*, uint8_t, int32_t stream, const uint8_t* bytes,
                    std::size_t size, void* user_data) {
    self(user_data).of(stream).body.append(reinterpret_cast<const char*>(bytes), size);
    return 0;
  }
  static int onClosed(nghttp2_session*, int32_t stream, uint32_t error, void* user_data) {
    self(user_data).of(stream).closed = error;
    return 0;
  }
  static ssize_t readBody(nghttp2_session*, int32_t, uint8_t* buffer, std::size_t size,
                          uint32_t* flags, nghttp2_data_source* source, void*) {
    Body& body = *static_cast<Body*>(source->ptr);
    const std::size_t count = body.bytes.copy(reinterpret_cast<char*>(buffer), size, body.sent);
    body.sent += count;
    const bool is_end = body.is_whole && body.sent == body.bytes.size();
    if (is_end) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return count == 0 && !is_end ? static_cast<ssize_t>(NGHTTP2_ERR_DEFERRED)
                                 : static_cast<ssize_t>(count);
  }

  std::unique_ptr<nghttp2_session, Deleted> session_;
  std::map<int32_t, std::unique_ptr<Body>> bodies_;
  std::map<int32_t, Response> responses_;
  std::optional<uint32_t> goaway_;
};

}  // namespace aios::server::protocol
