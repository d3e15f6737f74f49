#include "server/wire/json_tensor.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "server/wire/base64.hpp"

namespace aios::server::wire {
namespace {

// What the first value of each depth showed, which all others have to match.
class NestedReader {
 public:
  explicit NestedReader(JsonReader& reader) : reader_(reader) { shape_.dims.fill(kUnknown); }

  template <typename ReadElement>
  Shape read(ReadElement read_element) {
    value(0, read_element);
    return shape_;
  }

 private:
  static constexpr int64_t kUnknown = -1;

  template <typename ReadElement>
  void value(std::size_t depth, ReadElement& read_element) {
    if (reader_.peek() != '[') {
      if (!settled_) settle(depth);
      if (depth != shape_.rank) reader_.fail("arrays of the same depth everywhere");
      read_element();
      return;
    }
    if (depth == (settled_ ? shape_.rank : kMaxRank)) {
      reader_.fail(settled_ ? "arrays of the same depth everywhere" : "at most 8 dimensions");
    }
    int64_t count = 0;
    reader_.array([&] {
      value(depth + 1, read_element);
      ++count;
    });
    if (count == 0 && !settled_) settle(depth + 1);
    int64_t& size = shape_.dims[depth];
    if (size == kUnknown) size = count;
    if (size != count) {
      reader_.fail("arrays of equal lengths: " + std::to_string(size) + " elements before, " +
                   std::to_string(count) + " now");
    }
  }

  void settle(std::size_t rank) {
    settled_ = true;
    shape_.rank = rank;
  }

  JsonReader& reader_;
  Shape shape_;
  bool settled_ = false;
};

template <typename T>
Shape readNumbers(JsonReader& reader, TensorBuffer& tensor) {
  return NestedReader(reader).read([&] { tensor.push(reader.number<T>()); });
}

Shape readBooleans(JsonReader& reader, TensorBuffer& tensor) {
  return NestedReader(reader).read([&] {
    const char next = reader.peek();
    const bool is_number = next == '0' || next == '1';
    tensor.push(is_number ? reader.number<uint8_t>() == 1 : reader.boolean());
  });
}

void readBase64(JsonReader& reader, TensorBuffer& tensor) {
  std::string bytes, storage;
  bool found = false;
  reader.object([&](std::string_view key) {
    if (key != "b64" || found) reader.fail("one key, \"b64\"");
    found = true;
    if (!decodeBase64(reader.string(storage), bytes)) reader.fail("base 64");
  });
  if (!found) reader.fail("{\"b64\": \"…\"}");
  tensor.pushString(bytes, true);
}

Shape readStrings(JsonReader& reader, TensorBuffer& tensor) {
  std::string storage;
  return NestedReader(reader).read([&] {
    if (reader.peek() == '{') {
      readBase64(reader, tensor);
      return;
    }
    const std::string_view text = reader.string(storage);
    tensor.pushString(text, text.data() == storage.data());
  });
}

template <typename T>
void appendNumber(T value, std::string& json) {
  char digits[32];
  char* end = std::to_chars(&digits[0], &digits[0] + sizeof digits - 2, value).ptr;
  if constexpr (std::is_floating_point_v<T>) {
    const std::string_view text(&digits[0], static_cast<std::size_t>(end - &digits[0]));
    if (text.find_first_of(".e") == std::string_view::npos) {
      *end++ = '.';
      *end++ = '0';
    }
  }
  json.append(&digits[0], end);
}

template <typename T>
void appendFloating(T value, std::string& json) {
  if (std::isfinite(value)) {
    appendNumber(value, json);
  } else {
    json += std::isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
  }
}

void appendBytes(const StringRef& ref, bool as_base64, std::string& json) {
  const std::string_view text(ref.data, ref.size);
  if (!as_base64 && isUtf8(text)) {
    appendJsonString(text, json);
    return;
  }
  json += "{\"b64\": \"";
  appendBase64(text, json);
  json += "\"}";
}

template <typename T, typename Append>
void appendAll(const TensorView& view, std::size_t first, std::size_t count, std::string& json,
               Append append) {
  const T* const elements = static_cast<const T*>(view.bytesData()) + first;
  for (std::size_t i = 0; i < count; ++i) {
    if (i != 0) json += ", ";
    append(elements[i]);
  }
}

template <typename T>
void appendNumbers(const TensorView& view, std::size_t first, std::size_t count,
                   std::string& json) {
  appendAll<T>(view, first, count, json, [&](T value) {
    if constexpr (std::is_floating_point_v<T>) {
      appendFloating(value, json);
    } else {
      appendNumber(value, json);
    }
  });
}

[[noreturn]] void throwNoJson(DType dtype) {
  throw Error(ErrorCode::kUnsupported, std::string(name(dtype)) +
                                           " isn't carried as JSON: send and ask for binary "
                                           "tensors (binary_data)");
}

}  // namespace

Shape readNested(JsonReader& reader, TensorBuffer& tensor) {
  switch (tensor.dtype()) {
    case DType::kBool:
      return readBooleans(reader, tensor);
    case DType::kInt8:
      return readNumbers<int8_t>(reader, tensor);
    case DType::kUInt8:
      return readNumbers<uint8_t>(reader, tensor);
    case DType::kInt16:
      return readNumbers<int16_t>(reader, tensor);
    case DType::kUInt16:
      return readNumbers<uint16_t>(reader, tensor);
    case DType::kInt32:
      return readNumbers<int32_t>(reader, tensor);
    case DType::kUInt32:
      return readNumbers<uint32_t>(reader, tensor);
    case DType::kInt64:
      return readNumbers<int64_t>(reader, tensor);
    case DType::kUInt64:
      return readNumbers<uint64_t>(reader, tensor);
    case DType::kFloat32:
      return readNumbers<float>(reader, tensor);
    case DType::kFloat64:
      return readNumbers<double>(reader, tensor);
    case DType::kString:
      return readStrings(reader, tensor);
    default:
      throwNoJson(tensor.dtype());
  }
}

void appendElements(const TensorView& view, std::size_t first, std::size_t count, bool as_base64,
                    std::string& json) {
  switch (view.dtype()) {
    case DType::kBool:
      return appendAll<bool>(view, first, count, json,
                             [&](bool value) { json += value ? "true" : "false"; });
    case DType::kInt8:
      return appendNumbers<int8_t>(view, first, count, json);
    case DType::kUInt8:
      return appendNumbers<uint8_t>(view, first, count, json);
    case DType::kInt16:
      return appendNumbers<int16_t>(view, first, count, json);
    case DType::kUInt16:
      return appendNumbers<uint16_t>(view, first, count, json);
    case DType::kInt32:
      return appendNumbers<int32_t>(view, first, count, json);
    case DType::kUInt32:
      return appendNumbers<uint32_t>(view, first, count, json);
    case DType::kInt64:
      return appendNumbers<int64_t>(view, first, count, json);
    case DType::kUInt64:
      return appendNumbers<uint64_t>(view, first, count, json);
    case DType::kFloat32:
      return appendNumbers<float>(view, first, count, json);
    case DType::kFloat64:
      return appendNumbers<double>(view, first, count, json);
    case DType::kString:
      return appendAll<StringRef>(view, first, count, json,
                                  [&](const StringRef& ref) { appendBytes(ref, as_base64, json); });
    default:
      throwNoJson(view.dtype());
  }
}

void appendNested(const TensorView& view, std::size_t axis, std::size_t index, bool as_base64,
                  std::string& json) {
  if (axis == view.rank()) return appendElements(view, index, 1, as_base64, json);
  const auto size = static_cast<std::size_t>(view.dim(axis));
  json.push_back('[');
  if (axis + 1 == view.rank()) {
    appendElements(view, index * size, size, as_base64, json);
  } else {
    for (std::size_t i = 0; i < size; ++i) {
      if (i != 0) json += ", ";
      appendNested(view, axis + 1, index * size + i, as_base64, json);
    }
  }
  json.push_back(']');
}

void appendInteger(int64_t value, std::string& json) { appendNumber(value, json); }

void appendFloat(float value, std::string& json) { appendFloating(value, json); }

void appendJsonString(std::string_view text, std::string& json) {
  constexpr std::string_view kHexadecimal = "0123456789abcdef";
  json.push_back('"');
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      json.push_back('\\');
      json.push_back(c);
    } else if (byte < 0x20) {
      json += "\\u00";
      json.push_back(kHexadecimal[byte >> 4]);
      json.push_back(kHexadecimal[byte & 15]);
    } else {
      json.push_back(c);
    }
  }
  json.push_back('"');
}

bool isUtf8(std::string_view text) noexcept {
  std::size_t at = 0;
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  while (at < text.size()) {
    const unsigned lead = byte(at);
    const std::size_t more = lead < 0x80 ? 0 : lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
    if ((lead >= 0x80 && lead < 0xC2) || lead > 0xF4 || text.size() - at <= more) return false;
    for (std::size_t i = 1; i <= more; ++i) {
      if ((byte(at + i) & 0xC0) != 0x80) return false;
    }
    // Too long a form, half of a surrogate pair, or beyond the last character.
    if (lead == 0xE0 && byte(at + 1) < 0xA0) return false;
    if (lead == 0xED && byte(at + 1) > 0x9F) return false;
    if (lead == 0xF0 && byte(at + 1) < 0x90) return false;
    if (lead == 0xF4 && byte(at + 1) > 0x8F) return false;
    at += more + 1;
  }
  return true;
}

}  // namespace aios::server::wire
