#include "server/api/model_spec.hpp"

#include "server/wire/protobuf.hpp"

namespace aios::server::api {
namespace {

using wire::bytesTag;

// The numbers of fields in proto/tensorflow_serving.proto.
constexpr uint32_t kName = 1, kVersion = 2, kSignature = 3, kLabel = 4;
constexpr uint32_t kInt64Value = 1;

int64_t readInt64Value(std::string_view message) {
  int64_t value = 0;
  wire::ProtobufReader reader(message);
  while (reader.next()) {
    if (reader.tag() == wire::varintTag(kInt64Value)) value = static_cast<int64_t>(reader.varint());
  }
  return value;
}

}  // namespace

ModelSpec readModelSpec(std::string_view message) {
  ModelSpec spec;
  wire::ProtobufReader reader(message);
  while (reader.next()) {
    switch (reader.tag()) {
      case bytesTag(kName):
        spec.name = reader.bytes();
        break;
      case bytesTag(kVersion):
        spec.version = readInt64Value(reader.bytes());
        spec.label = {};
        break;
      case bytesTag(kSignature):
        spec.signature = reader.bytes();
        break;
      case bytesTag(kLabel):
        spec.label = reader.bytes();
        spec.version.reset();
        break;
      default:
        break;
    }
  }
  return spec;
}

void appendModelSpec(uint32_t field, const ServedModel& model, std::string_view signature,
                     std::string& out) {
  const auto version = static_cast<uint64_t>(model.version());
  const std::size_t version_bytes = wire::varintFieldSize(kInt64Value, version);
  wire::appendBytesHead(field,
                        wire::bytesFieldSize(kName, model.name().size()) +
                            wire::bytesFieldSize(kVersion, version_bytes) +
                            wire::bytesFieldSize(kSignature, signature.size()),
                        out);
  wire::appendBytesField(kName, model.name(), out);
  wire::appendBytesHead(kVersion, version_bytes, out);
  wire::appendVarintField(kInt64Value, version, out);
  wire::appendBytesField(kSignature, signature, out);
}

}  // namespace aios::server::api
