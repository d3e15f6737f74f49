// Reads and writes the bytes of protobuf's messages, field by field and without making objects.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

#include "aios/error.hpp"

namespace aios::server::wire {

// Groups in one another, which no message here has, but which have to be skipped.
inline constexpr int kMaxProtobufDepth = 100;

// Bytes that aren't a message. what() says where.
class ProtobufError : public Error {
 public:
  using Error::Error;
};

enum class WireType : uint32_t {
  kVarint = 0,
  kFixed64 = 1,
  kBytes = 2,  // a length and so many bytes: strings, messages, packed numbers
  kGroup = 3,
  kEndGroup = 4,
  kFixed32 = 5,
};

// What is before a field's value: its number, and how the value is written.
constexpr uint32_t tagOf(uint32_t field, WireType type) noexcept {
  return field << 3 | static_cast<uint32_t>(type);
}
constexpr uint32_t varintTag(uint32_t field) noexcept { return tagOf(field, WireType::kVarint); }
constexpr uint32_t bytesTag(uint32_t field) noexcept { return tagOf(field, WireType::kBytes); }

// Borrows the message. Who reads it acts on the tags that are known, and so skips both unknown
// fields and known ones that are written in another way, as protobuf asks for.
class ProtobufReader {
 public:
  explicit ProtobufReader(std::string_view message) noexcept
      : begin_(message.data()), cursor_(begin_), end_(begin_ + message.size()) {}

  // Reads the next field and its value; false at the end. Throws ProtobufError.
  bool next() {
    if (cursor_ == end_) return false;
    tag_ = readTag();
    const auto type = static_cast<WireType>(tag_ & 7);
    if (type == WireType::kBytes) {
      bytes_ = takeBytes();
    } else if (type == WireType::kVarint) {
      number_ = readVarint();
    } else {
      takeRest(type);
    }
    return true;
  }

  uint32_t tag() const noexcept { return tag_; }
  // The field's value; of which of these it is, the tag tells.
  uint64_t varint() const noexcept { return number_; }
  std::string_view bytes() const noexcept { return bytes_; }
  // Of four or eight bytes.
  template <typename T>
  T fixed() const noexcept {
    T value;
    std::memcpy(&value, &number_, sizeof value);
    return value;
  }

  // For what is varints in a row, without tags: packed numbers.
  bool atEnd() const noexcept { return cursor_ == end_; }
  uint64_t readVarint() {
    if (cursor_ != end_ && (*cursor_ & 0x80) == 0) return static_cast<uint8_t>(*cursor_++);
    return readLongVarint();
  }

 private:
  uint32_t readTag();
  uint64_t readLongVarint();
  std::string_view takeBytes();
  void takeRest(WireType type);
  void takeFixed(std::size_t bytes);
  void skipGroup(uint32_t field);
  [[noreturn]] void fail(const char* what) const;

  const char* begin_;
  const char* cursor_;
  const char* end_;
  uint32_t tag_ = 0;
  uint64_t number_ = 0;
  std::string_view bytes_;
};

// Calls `on_value(uint64_t)` for each of the numbers in a packed field, or for the only one of a
// field that isn't packed: both are allowed of every repeated field.
template <typename OnValue>
void readVarints(const ProtobufReader& reader, OnValue on_value) {
  if (static_cast<WireType>(reader.tag() & 7) == WireType::kVarint) {
    on_value(reader.varint());
    return;
  }
  ProtobufReader packed(reader.bytes());
  while (!packed.atEnd()) on_value(packed.readVarint());
}

// The elements of a repeated field of four or eight bytes each, packed or a single one. Throws
// ProtobufError where the last is cut short.
std::string_view fixedElements(const ProtobufReader& reader, std::size_t element_bytes,
                               uint64_t& storage);

// A message in a singular field, which may come in parts: protobuf merges them, and that is what
// the parts in a row say.
class MergedMessage {
 public:
  MergedMessage() = default;
  // The message in this field of another one. Borrows that.
  MergedMessage(std::string_view message, uint32_t field);
  MergedMessage(const MergedMessage&) = delete;
  MergedMessage& operator=(const MergedMessage&) = delete;

  void add(std::string_view part);
  void clear() noexcept {
    bytes_ = {};
    is_there_ = false;
  }
  bool isThere() const noexcept { return is_there_; }
  // Whether its bytes are this object's, as it came in parts.
  bool isJoined() const noexcept { return is_there_ && bytes_.data() == storage_.data(); }
  // Borrows the message, and this object.
  std::string_view bytes() const noexcept { return bytes_; }

 private:
  std::string_view bytes_;
  std::string storage_;  // of more than one part
  bool is_there_ = false;
};

inline std::size_t varintSize(uint64_t value) noexcept {
  std::size_t size = 1;
  for (; value >= 0x80; value >>= 7) ++size;
  return size;
}
// Of a field with a length: tag, length and bytes.
inline std::size_t bytesFieldSize(uint32_t field, std::size_t bytes) noexcept {
  return varintSize(bytesTag(field)) + varintSize(bytes) + bytes;
}
inline std::size_t varintFieldSize(uint32_t field, uint64_t value) noexcept {
  return varintSize(varintTag(field)) + varintSize(value);
}

void appendVarint(uint64_t value, std::string& out);
inline void appendVarintField(uint32_t field, uint64_t value, std::string& out) {
  appendVarint(varintTag(field), out);
  appendVarint(value, out);
}
// What is before the bytes of a field with a length: who calls it appends so many.
inline void appendBytesHead(uint32_t field, std::size_t bytes, std::string& out) {
  appendVarint(bytesTag(field), out);
  appendVarint(bytes, out);
}
inline void appendBytesField(uint32_t field, std::string_view bytes, std::string& out) {
  appendBytesHead(field, bytes.size(), out);
  out += bytes;
}

// Writes a message inside another one whose size isn't known before it is written. Its length
// takes five bytes, which protobuf's readers allow.
class NestedMessage {
 public:
  NestedMessage(uint32_t field, std::string& out);
  // Writes the length. Throws Overloaded for 2 GiB and more.
  void end();

 private:
  std::string& out_;
  std::size_t begin_;
};

}  // namespace aios::server::wire
