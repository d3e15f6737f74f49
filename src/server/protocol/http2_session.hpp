// HTTP/2's frames, by nghttp2: what a connection needs of it, and nothing of its types.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

struct nghttp2_session;

namespace aios::server::protocol {

// RFC 9113, section 7.
enum class Http2Error : uint32_t {
  kNone = 0,
  kInternal = 2,
  kCancel = 8,
  kEnhanceYourCalm = 11,
};

struct Http2Header {
  std::string_view name;
  std::string_view value;
};

// The few of an answer; borrows their texts.
class Http2Headers {
 public:
  static constexpr std::size_t kMost = 6;

  void add(std::string_view name, std::string_view value) { headers_[size_++] = {name, value}; }
  const Http2Header* begin() const noexcept { return headers_.data(); }
  const Http2Header* end() const noexcept { return begin() + size_; }

 private:
  std::array<Http2Header, kMost> headers_;
  std::size_t size_ = 0;
};

// What a session tells whoever owns it, from within feed() and next(). None may throw.
class Http2Events {
 public:
  Http2Events() = default;
  virtual ~Http2Events() = default;
  Http2Events(const Http2Events&) = delete;
  Http2Events& operator=(const Http2Events&) = delete;

  // A request begins; false where there is no memory for it.
  virtual bool onBegin(int32_t stream) noexcept = 0;
  virtual void onHeader(int32_t stream, const Http2Header& header) noexcept = 0;
  virtual void onHeadersEnd(int32_t stream) noexcept = 0;
  virtual void onData(int32_t stream, std::string_view bytes) noexcept = 0;
  // The client sends nothing more on it.
  virtual void onEnd(int32_t stream) noexcept = 0;
  virtual void onClosed(int32_t stream) noexcept = 0;
  // The client gave it up.
  virtual void onReset(int32_t stream) noexcept = 0;
  // A frame that costs the client next to nothing: a ping, a setting, an empty piece.
  virtual void onControl() noexcept = 0;
  // Fills a buffer with the next bytes of an answer; 0: there are none now. `is_last` says that
  // only trailers follow.
  virtual std::size_t onBody(int32_t stream, char* buffer, std::size_t size,
                             bool& is_last) noexcept = 0;
};

struct Http2Limits {
  uint32_t streams = 256;
  uint32_t header_list_bytes = 16 << 10;
  uint32_t stream_window = 1 << 20;
  int32_t connection_window = 16 << 20;
};

class Http2Session {
 public:
  // `events` outlives it. Throws std::bad_alloc.
  Http2Session(Http2Events& events, const Http2Limits& limits);
  ~Http2Session();
  Http2Session(const Http2Session&) = delete;
  Http2Session& operator=(const Http2Session&) = delete;

  // Bytes of the client; false where it can't go on.
  bool feed(std::string_view bytes);
  // The next bytes to be sent; empty where there are none. Valid until the next call.
  std::string_view next();
  // Whether anything can still happen.
  bool isAlive() const noexcept;

  // An answer's head, with the body of onBody() to follow, or as all of the answer.
  void respond(int32_t stream, const Http2Headers& headers, bool with_body);
  // To be called when onBody() gave its last bytes, and ended with them.
  void trail(int32_t stream, const Http2Headers& headers);
  // onBody() has bytes again.
  void resume(int32_t stream);
  void reset(int32_t stream, Http2Error error);
  // Bytes that onData() gave are done with: the client may send as many more. Those of the
  // connection are given back at once.
  void consume(int32_t stream, std::size_t bytes);
  // Takes no more requests; those under way go on where there is no error.
  void goAway(Http2Error error);

 private:
  struct Ended {
    void operator()(nghttp2_session* session) const noexcept;
  };
  std::unique_ptr<nghttp2_session, Ended> session_;
};

}  // namespace aios::server::protocol
