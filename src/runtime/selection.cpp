#include "runtime/selection.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "bundle/integrity.hpp"
#include "core/user_cache.hpp"
#include "core/user_file.hpp"
#include "engines/compiled/cpu_features.hpp"
#include "runtime/background.hpp"

namespace aios::runtime {
namespace {

using Clock = std::chrono::steady_clock;
using Json = nlohmann::json;
namespace fs = std::filesystem;

constexpr std::size_t kMinimumCalls = 5;
constexpr std::size_t kMaximumCalls = 2000;
// Calls that are measured one after another, behind one that isn't: the weights are then as near as
// when this engine alone answers. A single call would find those of the engine before it.
constexpr std::size_t kBurst = 3;
constexpr double kTie = 1.02;
constexpr std::size_t kMostCacheBytes = 1 << 20;

// A runner's session, held for the measurement, so that its calls aren't counted as a user's.
class Contestant {
 public:
  Contestant(Runner& runner, Span<const TensorView> inputs, int64_t batch)
      : lease_(runner.pool().acquire()), inputs_(inputs) {
    known_ = outputShapesAreKnown(runner.signature());
    if (known_) memory_ = newOutputs(runner.signature(), batch);
    outputs_ = viewsOf(memory_);
    call();
    call();
  }

  void measureBurst() {
    call();
    for (std::size_t i = 0; i < kBurst; ++i) {
      const auto begin = Clock::now();
      call();
      calls_us_.push_back(std::chrono::duration<double, std::micro>(Clock::now() - begin).count());
    }
  }

  Latency latency() {
    std::sort(calls_us_.begin(), calls_us_.end());
    const std::size_t last = calls_us_.size() - 1;
    return {calls_us_[last / 2],
            calls_us_[static_cast<std::size_t>(std::lround(0.99 * static_cast<double>(last)))]};
  }

 private:
  void call() {
    if (known_) {
      lease_->run(inputs_, outputs_);
    } else {
      lease_->answer(inputs_);
    }
  }

  SessionPool::Lease lease_;
  Span<const TensorView> inputs_;
  bool known_ = false;
  std::vector<Tensor> memory_;
  std::vector<TensorView> outputs_;
  std::vector<double> calls_us_;
};

std::string rowKey(const std::string& signature, const std::string& kind) {
  return signature + "@" + kind;
}

// What a row says of one artifact: [p50, p99], or why it takes no such call.
std::optional<SelectionCache::Entry> parseEntry(const Json& json) {
  if (json.is_string()) return SelectionCache::Entry{{}, json.get<std::string>()};
  if (!json.is_array() || json.size() != 2 || !json[0].is_number() || !json[1].is_number()) {
    return std::nullopt;
  }
  return SelectionCache::Entry{{json[0].get<double>(), json[1].get<double>()}, ""};
}

Json toJson(const SelectionCache::Entry& entry) {
  if (!entry.refusal.empty()) return entry.refusal;
  return Json::array({entry.latency.p50_us, entry.latency.p99_us});
}

}  // namespace

std::vector<Measured> measure(const std::vector<Runner*>& runners, Span<const TensorView> inputs,
                              int64_t batch, double budget_ms) {
  std::vector<Measured> results(runners.size());
  std::vector<std::unique_ptr<Contestant>> contestants(runners.size());
  const auto attempt = [&](std::size_t i, auto call) {
    try {
      call();
    } catch (const std::exception&) {
      results[i].failure = std::current_exception();
      contestants[i] = nullptr;
    }
  };
  std::size_t answering = 0;
  for (std::size_t i = 0; i < runners.size(); ++i) {
    attempt(i, [&] { contestants[i] = std::make_unique<Contestant>(*runners[i], inputs, batch); });
    answering += contestants[i] != nullptr ? 1 : 0;
  }
  inBackground([&] {
    const auto begin = Clock::now();
    for (std::size_t calls = 0; calls < kMaximumCalls; calls += kBurst) {
      const double elapsed_ms =
          std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
      if (calls >= kMinimumCalls && (answering < 2 || elapsed_ms > budget_ms)) break;
      for (std::size_t i = 0; i < contestants.size(); ++i) {
        if (contestants[i]) attempt(i, [&] { contestants[i]->measureBurst(); });
      }
    }
  });
  for (std::size_t i = 0; i < contestants.size(); ++i) {
    if (contestants[i]) results[i].latency = contestants[i]->latency();
  }
  return results;
}

bool isFaster(const Latency& a, const Latency& b) noexcept {
  const bool tied = a.p50_us <= b.p50_us * kTie && b.p50_us <= a.p50_us * kTie;
  return tied ? a.p99_us < b.p99_us : a.p50_us < b.p50_us;
}

SelectionCache::SelectionCache(const std::string& key) {
  const fs::path directory = userCache("selection");
  if (directory.empty()) return;
  path_ = directory / (bundle::sha256Hex(key.data(), key.size()) + ".json");
  const Json document =
      Json::parse(readUserFile(path_, kMostCacheBytes), nullptr, /*allow_exceptions=*/false);
  if (!document.is_object()) return;
  for (const auto& [row_key, artifacts] : document.items()) {
    if (!artifacts.is_object()) continue;
    for (const auto& [artifact, figures] : artifacts.items()) {
      if (auto entry = parseEntry(figures)) rows_[row_key][artifact] = std::move(*entry);
    }
  }
}

SelectionCache::Row SelectionCache::find(const std::string& signature,
                                         const std::string& kind) const {
  const auto found = rows_.find(rowKey(signature, kind));
  return found == rows_.end() ? Row() : found->second;
}

void SelectionCache::store(const std::string& signature, const std::string& kind, const Row& row) {
  rows_[rowKey(signature, kind)] = row;
  if (path_.empty()) return;
  Json document = Json::object();
  for (const auto& [row_key, artifacts] : rows_) {
    for (const auto& [artifact, entry] : artifacts) document[row_key][artifact] = toJson(entry);
  }
  writeUserFile(path_, document.dump(1, ' ', false, Json::error_handler_t::replace) + "\n");
}

std::string machineKey() {
  std::ifstream info("/proc/cpuinfo");
  std::string line;
  std::string model = "unknown processor";
  while (std::getline(info, line)) {
    if (line.rfind("model name", 0) == 0) {
      model = line.substr(line.find(':') + 1);
      break;
    }
  }
  return model + " " + std::to_string(engines::compiled::cpuFeatures());
}

}  // namespace aios::runtime
