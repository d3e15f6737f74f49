// Writes messages of protobuf for tests, and tells what is in them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/wire/protobuf.hpp"

namespace aios::server {

class Message {
 public:
  Message& text(uint32_t field, std::string_view value) {
    wire::appendBytesField(field, value, bytes_);
    return *this;
  }
  Message& number(uint32_t field, uint64_t value) {
    wire::appendVarintField(field, value, bytes_);
    return *this;
  }
  Message& add(uint32_t field, const Message& message) { return text(field, message.bytes_); }
  // Packed.
  Message& floats(uint32_t field, const std::vector<float>& values) {
    return text(field, bytesOf(values));
  }

  const std::string& bytes() const { return bytes_; }

  template <typename T>
  static std::string bytesOf(const std::vector<T>& values) {
    return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
  }

 private:
  std::string bytes_;
};

// What the fields of this number have in a message, in a row.
inline std::string fieldOf(std::string_view message, uint32_t field) {
  std::string found;
  wire::ProtobufReader reader(message);
  while (reader.next()) {
    if (reader.tag() == wire::bytesTag(field)) found += reader.bytes();
    if (reader.tag() == wire::varintTag(field)) found += std::to_string(reader.varint());
  }
  return found;
}

// The same of a field in a field in … of a message.
inline std::string fieldOf(std::string_view message, const std::vector<uint32_t>& path) {
  std::string found(message);
  for (const uint32_t field : path) found = fieldOf(found, field);
  return found;
}

}  // namespace aios::server
