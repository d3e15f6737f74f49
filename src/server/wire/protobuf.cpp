#include "server/wire/protobuf.hpp"

namespace aios::server::wire {
namespace {

constexpr int kLongestVarint = 10;
constexpr uint64_t kHighestTag = 0xFFFFFFFFU;
constexpr std::size_t kPaddedLength = 5;
constexpr std::size_t kLongestMessage = 0x7FFFFFFF;  // that protobuf's own readers take

}  // namespace

void ProtobufReader::fail(const char* what) const {
  throw ProtobufError(
      ErrorCode::kInvalidArgument,
      std::string("malformed message: ") + what + " at byte " + std::to_string(cursor_ - begin_));
}

uint32_t ProtobufReader::readTag() {
  const uint64_t tag = readVarint();
  if (tag > kHighestTag || tag >> 3 == 0) fail("no such field");
  return static_cast<uint32_t>(tag);
}

uint64_t ProtobufReader::readLongVarint() {
  uint64_t value = 0;
  for (int i = 0; i < kLongestVarint && cursor_ != end_; ++i) {
    const auto byte = static_cast<uint8_t>(*cursor_++);
    value |= static_cast<uint64_t>(byte & 0x7F) << (7 * i);
    if ((byte & 0x80) == 0) return value;
  }
  fail(cursor_ == end_ ? "a number that is cut short" : "a number of more than 10 bytes");
}

std::string_view ProtobufReader::takeBytes() {
  const uint64_t size = readVarint();
  if (size > static_cast<std::size_t>(end_ - cursor_)) fail("a length beyond the end");
  const std::string_view bytes(cursor_, static_cast<std::size_t>(size));
  cursor_ += size;
  return bytes;
}

void ProtobufReader::takeFixed(std::size_t bytes) {
  if (static_cast<std::size_t>(end_ - cursor_) < bytes) fail("a number that is cut short");
  number_ = 0;
  std::memcpy(&number_, cursor_, bytes);
  cursor_ += bytes;
}

void ProtobufReader::takeRest(WireType type) {
  switch (type) {
    case WireType::kFixed64:
      return takeFixed(sizeof(uint64_t));
    case WireType::kFixed32:
      return takeFixed(sizeof(uint32_t));
    case WireType::kGroup:
      return skipGroup(tag_ >> 3);
    default:
      fail("no such kind of value");
  }
}

// Without recursion, as it is the client who says how deep groups are.
void ProtobufReader::skipGroup(uint32_t field) {
  const uint32_t tag = tag_;
  uint32_t open[kMaxProtobufDepth] = {field};
  for (int depth = 1; depth > 0;) {
    if (cursor_ == end_) fail("a group without an end");
    tag_ = readTag();
    const auto type = static_cast<WireType>(tag_ & 7);
    if (type == WireType::kGroup) {
      if (depth == kMaxProtobufDepth) fail("more than 100 groups in one another");
      open[depth++] = tag_ >> 3;
    } else if (type == WireType::kEndGroup) {
      if (open[--depth] != tag_ >> 3) fail("the end of another group");
    } else if (type == WireType::kBytes) {
      takeBytes();
    } else if (type == WireType::kVarint) {
      readVarint();
    } else {
      takeRest(type);
    }
  }
  tag_ = tag;
}

std::string_view fixedElements(const ProtobufReader& reader, std::size_t element_bytes,
                               uint64_t& storage) {
  if (static_cast<WireType>(reader.tag() & 7) != WireType::kBytes) {
    storage = reader.fixed<uint64_t>();
    return {reinterpret_cast<const char*>(&storage), element_bytes};
  }
  if (reader.bytes().size() % element_bytes != 0) {
    throw ProtobufError(ErrorCode::kInvalidArgument,
                        "malformed message: packed numbers of " + std::to_string(element_bytes) +
                            " bytes each, in " + std::to_string(reader.bytes().size()) + " bytes");
  }
  return reader.bytes();
}

MergedMessage::MergedMessage(std::string_view message, uint32_t field) {
  ProtobufReader reader(message);
  while (reader.next()) {
    if (reader.tag() == bytesTag(field)) add(reader.bytes());
  }
}

void MergedMessage::add(std::string_view part) {
  if (!is_there_) {
    is_there_ = true;
    bytes_ = part;
    return;
  }
  if (bytes_.data() != storage_.data()) storage_.assign(bytes_);
  storage_ += part;
  bytes_ = storage_;
}

void appendVarint(uint64_t value, std::string& out) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}

NestedMessage::NestedMessage(uint32_t field, std::string& out) : out_(out) {
  appendVarint(bytesTag(field), out);
  out.append(kPaddedLength, '\0');
  begin_ = out.size();
}

void NestedMessage::end() {
  std::size_t size = out_.size() - begin_;
  if (size > kLongestMessage) {
    throw Error(ErrorCode::kOverloaded, "an answer of " + std::to_string(size) +
                                            " bytes: expected less than 2 GiB; send smaller "
                                            "batches");
  }
  for (std::size_t i = 0; i < kPaddedLength; ++i, size >>= 7) {
    const std::size_t more = i + 1 < kPaddedLength ? 0x80 : 0;
    out_[begin_ - kPaddedLength + i] = static_cast<char>((size & 0x7F) | more);
  }
}

}  // namespace aios::server::wire
