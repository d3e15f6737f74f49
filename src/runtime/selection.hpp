// Which engine is fastest for a batch size, by measurement on this machine.
#pragma once

#include <cstdint>
#include <exception>
#include <map>
#include <string>
#include <vector>

#include "aios/tensor.hpp"
#include "runtime/runner.hpp"

namespace aios::runtime {

struct Latency {
  double p50_us = 0;
  double p99_us = 0;
};

// How an engine did. One that failed is out of the contest for these inputs.
struct Measured {
  Latency latency;
  std::exception_ptr failure;  // null: it answered every call
};

// Measures all runners in turns on the caller's inputs, so that noise hits all alike, for
// `budget_ms` or 5 calls of each, whichever is longer; 2 calls of each to warm up don't count.
// Where only one answers at all, 5 calls.
std::vector<Measured> measure(const std::vector<Runner*>& runners, Span<const TensorView> inputs,
                              int64_t batch, double budget_ms);

// Whether `a` has the lower p50; where the two are within 2 %, the lower p99.
bool isFaster(const Latency& a, const Latency& b) noexcept;

// Measured latencies by kind of call and artifact, kept under the user's cache directory
// ($XDG_CACHE_HOME, else ~/.cache) in aios/selection. A file that can't be read or written is as
// good as none.
class SelectionCache {
 public:
  // `key` names everything that the measurements depend on.
  explicit SelectionCache(const std::string& key);

  struct Entry {
    Latency latency;
    std::string refusal;  // why it doesn't take such calls; empty for one that was measured
  };
  using Row = std::map<std::string, Entry>;
  // `kind` tells calls of a signature apart by their sizes. Empty if none was ever measured.
  Row find(const std::string& signature, const std::string& kind) const;
  void store(const std::string& signature, const std::string& kind, const Row& row);

 private:
  std::string path_;
  std::map<std::string, Row> rows_;
};

// The processor's model and what it can run: part of every cache key.
std::string machineKey();

}  // namespace aios::runtime
