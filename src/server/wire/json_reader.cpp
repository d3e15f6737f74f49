#include "server/wire/json_reader.hpp"

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>

namespace aios::server::wire {
namespace {

bool isDigit(char c) { return c >= '0' && c <= '9'; }

void appendUtf8(uint32_t code, std::string& text) {
  const auto byte = [&](uint32_t value) { text.push_back(static_cast<char>(value)); };
  if (code < 0x80) {
    byte(code);
  } else if (code < 0x800) {
    byte(0xC0 | code >> 6);
    byte(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    byte(0xE0 | code >> 12);
    byte(0x80 | (code >> 6 & 0x3F));
    byte(0x80 | (code & 0x3F));
  } else {
    byte(0xF0 | code >> 18);
    byte(0x80 | (code >> 12 & 0x3F));
    byte(0x80 | (code >> 6 & 0x3F));
    byte(0x80 | (code & 0x3F));
  }
}

}  // namespace

void JsonReader::fail(const std::string& expected) const {
  const std::string got = cursor_ == end_ ? "the end" : "'" + std::string(1, *cursor_) + "'";
  throw JsonError(ErrorCode::kInvalidArgument, "expected " + expected + ", got " + got +
                                                   " at offset " + std::to_string(offset()));
}

void JsonReader::end() {
  skipBlanks();
  if (cursor_ != end_) fail("nothing more");
}

void JsonReader::open(char bracket) {
  if (!take(bracket)) fail(bracket == '{' ? "an object" : "an array");
  if (++depth_ > kMaxJsonDepth) {
    fail("at most " + std::to_string(kMaxJsonDepth) + " arrays and objects in one another");
  }
}

bool JsonReader::takeWord(std::string_view word) noexcept {
  skipBlanks();
  if (static_cast<std::size_t>(end_ - cursor_) < word.size()) return false;
  if (std::string_view(cursor_, word.size()) != word) return false;
  cursor_ += word.size();
  return true;
}

bool JsonReader::boolean() {
  if (takeWord("true")) return true;
  if (takeWord("false")) return false;
  fail("true or false");
}

std::string_view JsonReader::string(std::string& storage) {
  if (!take('"')) fail("a string");
  const char* const start = cursor_;
  while (cursor_ != end_ && *cursor_ != '"' && *cursor_ != '\\') {
    if (static_cast<unsigned char>(*cursor_) < 0x20) fail("no control character in a string");
    ++cursor_;
  }
  if (cursor_ == end_) fail("'\"'");
  if (*cursor_ == '"') return {start, static_cast<std::size_t>(cursor_++ - start)};
  storage.assign(start, cursor_);
  unescape(storage);
  return storage;
}

void JsonReader::unescape(std::string& storage) {
  while (cursor_ != end_ && *cursor_ != '"') {
    const char c = *cursor_;
    if (static_cast<unsigned char>(c) < 0x20) fail("no control character in a string");
    ++cursor_;
    if (c != '\\') {
      storage.push_back(c);
      continue;
    }
    constexpr std::string_view kLetters = "\"\\/bfnrt";
    constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
    const std::size_t letter = cursor_ == end_ ? std::string_view::npos : kLetters.find(*cursor_);
    if (letter != std::string_view::npos) {
      storage.push_back(kMeanings[letter]);
      ++cursor_;
      continue;
    }
    if (!takeWord("u")) fail("an escape");
    uint32_t code = hexadecimal();
    if (code >= 0xDC00 && code < 0xE000) fail("the first half of a surrogate pair");
    if (code >= 0xD800 && code < 0xDC00) {
      if (!takeWord("\\u")) fail("the second half of a surrogate pair");
      const uint32_t low = hexadecimal();
      if (low < 0xDC00 || low >= 0xE000) fail("the second half of a surrogate pair");
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    appendUtf8(code, storage);
  }
  if (cursor_ == end_) fail("'\"'");
  ++cursor_;
}

uint32_t JsonReader::hexadecimal() {
  uint32_t code = 0;
  if (end_ - cursor_ < 4) fail("four hexadecimal digits");
  const auto [stop, error] = std::from_chars(cursor_, cursor_ + 4, code, 16);
  if (error != std::errc() || stop != cursor_ + 4) fail("four hexadecimal digits");
  cursor_ = stop;
  return code;
}

double JsonReader::special() {
  if (takeWord("NaN")) return std::numeric_limits<double>::quiet_NaN();
  if (takeWord("Infinity")) return std::numeric_limits<double>::infinity();
  if (takeWord("-Infinity")) return -std::numeric_limits<double>::infinity();
  fail("a number");
}

const char* JsonReader::endOfNumber() const noexcept {
  const char* end = cursor_;
  const std::string_view letters = "+-.eE";
  while (end != end_ && (isDigit(*end) || letters.find(*end) != std::string_view::npos)) ++end;
  return end;
}

// A number with an exponent that is out of range for its type: 0 where it is tiny.
double JsonReader::outOfRange(const char* end) const {
  const double value = std::strtod(std::string(cursor_, end).c_str(), nullptr);
  if (std::abs(value) >= 1) fail("a number in range");
  return value;
}

template <typename T>
T JsonReader::number() {
  skipBlanks();
  const char* first = cursor_;
  if (first != end_ && *first == '-') ++first;
  const bool leading_zero = end_ - first > 1 && *first == '0' && isDigit(first[1]);
  if (first == end_ || !isDigit(*first) || leading_zero) {
    if constexpr (std::is_floating_point_v<T>) return static_cast<T>(special());
    fail("an integer");
  }
  T value{};
  auto [stop, error] = std::from_chars(cursor_, end_, value);
  if constexpr (std::is_floating_point_v<T>) {
    if (stop[-1] == '.') fail("a number");
    if (error == std::errc::result_out_of_range) value = static_cast<T>(outOfRange(stop));
  } else {
    if (error != std::errc()) fail("an integer in range");
    if (stop != end_ && (*stop == '.' || *stop == 'e' || *stop == 'E')) fail("an integer");
  }
  cursor_ = stop;
  return value;
}

template float JsonReader::number();
template double JsonReader::number();
template int8_t JsonReader::number();
template uint8_t JsonReader::number();
template int16_t JsonReader::number();
template uint16_t JsonReader::number();
template int32_t JsonReader::number();
template uint32_t JsonReader::number();
template int64_t JsonReader::number();
template uint64_t JsonReader::number();

std::string_view JsonReader::skip() {
  const char next = peek();
  const char* const start = cursor_;
  std::string storage;
  if (next == '{') {
    object([&](std::string_view) { skip(); });
  } else if (next == '[') {
    array([&] { skip(); });
  } else if (next == '"') {
    string(storage);
  } else if (next == 't' || next == 'f') {
    boolean();
  } else if (!takeWord("null")) {
    number<double>();
  }
  return {start, static_cast<std::size_t>(cursor_ - start)};
}

}  // namespace aios::server::wire
