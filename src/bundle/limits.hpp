// What a manifest may hold; docs/reference/bundles.md tells it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace aios::bundle {

// Far more than any bundle needs, and little enough for any of it to be
// read in a moment.
struct Limits {
  static constexpr std::size_t kManifestBytes = 4 << 20;
  static constexpr int kLevels = 32;
  static constexpr std::size_t kSignatures = 64;
  static constexpr std::size_t kTensors = 1024;  // of a signature, in and out each
  static constexpr std::size_t kArtifacts = 256;
  static constexpr std::size_t kGraphs = 256;  // of an artifact
  static constexpr std::size_t kFiles = 1024;  // of an artifact, and of none
  static constexpr std::size_t kBatches = 256;
  static constexpr std::size_t kLabels = 1'000'000;
  static constexpr std::size_t kWordBytes = 64;  // of an engine's name, a target's, a precision's
  static constexpr std::size_t kNameBytes = 1024;
  static constexpr std::size_t kPathBytes = 1024;
  static constexpr std::size_t kReasonBytes = 64 << 10;
  static constexpr int64_t kFileBytes = int64_t{16} << 30;
  static constexpr int64_t kBundleBytes = int64_t{64} << 30;
  static constexpr int64_t kTensorBytes = int64_t{16} << 30;  // where any size is 1
  static constexpr int64_t kSize = 2'147'483'647;             // of a dimension, of a batch
};

}  // namespace aios::bundle
