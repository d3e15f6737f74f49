#include "engines/tensorflow/config_proto.hpp"

#include <cstdint>

namespace aios::engines::tensorflow {
namespace {

constexpr uint64_t kVarint = 0;
constexpr uint64_t kBytes = 2;

// Seven bits a byte, the lowest first; all but the last byte have the top bit set.
std::string varint(uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>((value & 0x7F) | 0x80);
  return bytes += static_cast<char>(value);
}

std::string tag(uint64_t field, uint64_t wire_type) { return varint(field << 3 | wire_type); }

std::string number(uint64_t field, int64_t value) {
  return tag(field, kVarint) + varint(static_cast<uint64_t>(value));
}

std::string text(uint64_t field, const std::string& value) {
  return tag(field, kBytes) + varint(value.size()) + value;
}

}  // namespace

std::string configProto(const SessionConfig& config) {
  constexpr uint64_t kIntraOpThreads = 2;
  constexpr uint64_t kInterOpThreads = 5;
  constexpr uint64_t kGraphOptions = 10;
  constexpr uint64_t kRewriteOptions = 10;
  constexpr uint64_t kDisableMetaOptimizer = 19;
  constexpr uint64_t kExperimental = 16;
  constexpr uint64_t kExecutorType = 3;
  std::string bytes = number(kIntraOpThreads, config.threads) + number(kInterOpThreads, -1);
  if (!config.rewrites_graph) {
    bytes += text(kGraphOptions, text(kRewriteOptions, number(kDisableMetaOptimizer, 1)));
  }
  if (config.single_threaded_executor) {
    bytes += text(kExperimental, text(kExecutorType, "SINGLE_THREADED_EXECUTOR"));
  }
  return bytes;
}

}  // namespace aios::engines::tensorflow
