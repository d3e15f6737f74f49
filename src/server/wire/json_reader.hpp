// Reads JSON text from front to back without building a document: RFC 8259, and the numbers NaN,
// Infinity and -Infinity as TensorFlow Serving takes them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

#include "aios/error.hpp"

namespace aios::server::wire {

// Arrays and objects in one another; what a tensor of the highest rank needs, and room to spare.
inline constexpr int kMaxJsonDepth = 24;

// Text that isn't JSON, or not the JSON that was expected. what() says where.
class JsonError : public Error {
 public:
  using Error::Error;
};

// Borrows the text. Every method skips blanks first and throws JsonError where the text goes on
// with something else than what is asked for.
class JsonReader {
 public:
  explicit JsonReader(std::string_view text) noexcept
      : begin_(text.data()), cursor_(text.data()), end_(text.data() + text.size()) {}

  // The byte that comes next; 0 at the end.
  char peek() noexcept {
    skipBlanks();
    return cursor_ == end_ ? '\0' : *cursor_;
  }
  // Whether this byte comes next, which is then read.
  bool take(char expected) noexcept {
    if (peek() != expected || cursor_ == end_) return false;
    ++cursor_;
    return true;
  }
  // Nothing but blanks is left.
  void end();

  // Calls `on_member(key)` at each value of an object; it has to read or skip the value. The key
  // lives until the call returns.
  template <typename OnMember>
  void object(OnMember on_member) {
    open('{');
    if (!take('}')) {
      do {
        std::string storage;
        const std::string_view key = string(storage);
        if (!take(':')) fail("':'");
        on_member(key);
      } while (take(','));
      if (!take('}')) fail("',' or '}'");
    }
    --depth_;
  }
  // Calls `on_item()` at each value of an array.
  template <typename OnItem>
  void array(OnItem on_item) {
    open('[');
    if (!take(']')) {
      do {
        on_item();
      } while (take(','));
      if (!take(']')) fail("',' or ']'");
    }
    --depth_;
  }

  // A string without its escapes: a part of the text where it has none, else of `storage`.
  std::string_view string(std::string& storage);
  bool boolean();
  // An integer that T holds, or a floating-point number rounded once to T.
  template <typename T>
  T number();
  // Any value; returns its text.
  std::string_view skip();

  // Bytes read so far.
  std::size_t offset() const noexcept { return static_cast<std::size_t>(cursor_ - begin_); }
  [[noreturn]] void fail(const std::string& expected) const;

 private:
  void skipBlanks() noexcept {
    while (cursor_ != end_ &&
           (*cursor_ == ' ' || *cursor_ == '\n' || *cursor_ == '\r' || *cursor_ == '\t')) {
      ++cursor_;
    }
  }
  void open(char bracket);
  bool takeWord(std::string_view word) noexcept;
  const char* endOfNumber() const noexcept;
  double special();
  double outOfRange(const char* end) const;
  void unescape(std::string& storage);
  uint32_t hexadecimal();

  const char* begin_;
  const char* cursor_;
  const char* end_;
  int depth_ = 0;
};

}  // namespace aios::server::wire
