#include "server/api/kserve_datatype.hpp"

#include <array>
#include <cstring>

#include "aios/error.hpp"

namespace aios::server::api::kserve {
namespace {

// In the order of DType.
constexpr std::array<const char*, 15> kDatatypes = {nullptr,  "BOOL",  "INT8",   "UINT8", "INT16",
                                                    "UINT16", "INT32", "UINT32", "INT64", "UINT64",
                                                    "FP16",   "FP32",  "FP64",   "BYTES", "BF16"};
constexpr std::size_t kPrefixBytes = 4;  // an element's length, before its bytes

const StringRef* stringsOf(const TensorView& tensor) {
  return static_cast<const StringRef*>(tensor.bytesData());
}

}  // namespace

const char* datatypeOf(DType dtype) noexcept {
  const auto index = static_cast<std::size_t>(dtype);
  return index < kDatatypes.size() ? kDatatypes[index] : nullptr;
}

void readBinary(std::string_view bytes, const std::string& input, wire::TensorBuffer& tensor) {
  if (tensor.dtype() != DType::kString) {
    if (bytes.size() % byteSize(tensor.dtype()) != 0) {
      throw Error(ErrorCode::kInvalidArgument, "unexpected size for input '" + input +
                                                   "': " + std::to_string(bytes.size()) +
                                                   " bytes aren't whole elements");
    }
    if (!bytes.empty()) std::memcpy(tensor.extend(bytes.size()), bytes.data(), bytes.size());
    return;
  }
  while (!bytes.empty()) {
    uint32_t size = 0;
    if (bytes.size() >= kPrefixBytes) std::memcpy(&size, bytes.data(), kPrefixBytes);
    if (bytes.size() < kPrefixBytes || bytes.size() - kPrefixBytes < size) {
      throw Error(ErrorCode::kInvalidArgument,
                  "unexpected end of the strings of input '" + input +
                      "': expected each as 4 bytes of its length and its bytes");
    }
    tensor.pushString(bytes.substr(kPrefixBytes, size), false);
    bytes.remove_prefix(kPrefixBytes + size);
  }
}

std::size_t binarySize(const TensorView& tensor) {
  if (tensor.dtype() != DType::kString) return tensor.bytes();
  std::size_t size = 0;
  for (std::size_t i = 0; i < tensor.elements(); ++i) {
    size += kPrefixBytes + stringsOf(tensor)[i].size;
  }
  return size;
}

void appendBinary(const TensorView& tensor, std::string& out) {
  if (tensor.dtype() != DType::kString) {
    out.append(static_cast<const char*>(tensor.bytesData()), tensor.bytes());
    return;
  }
  for (std::size_t i = 0; i < tensor.elements(); ++i) {
    const StringRef& element = stringsOf(tensor)[i];
    const auto size = static_cast<uint32_t>(element.size);
    out.append(reinterpret_cast<const char*>(&size), kPrefixBytes);
    out.append(element.data, element.size);
  }
}

}  // namespace aios::server::api::kserve
