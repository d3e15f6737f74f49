// The models that a server answers for: an immutable table, replaced as a whole.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/loaded_model.hpp"
#include "server/executions.hpp"
#include "server/metrics.hpp"
#include "server/shadow.hpp"
#include "server/turns.hpp"

namespace aios::server {

// One version of one model, loaded.
class ServedModel {
 public:
  // `threads` is how many threads answer; each has counters of its own. `class_labels` are the
  // names of what a classifier tells apart.
  ServedModel(std::string name, int64_t version, std::shared_ptr<runtime::LoadedModel> model,
              std::size_t threads, std::vector<std::string> class_labels = {});

  const std::string& name() const noexcept { return name_; }
  int64_t version() const noexcept { return version_; }
  runtime::LoadedModel& model() const noexcept { return *model_; }
  const std::vector<std::string>& classLabels() const noexcept { return class_labels_; }
  const std::shared_ptr<runtime::LoadedModel>& shared() const noexcept { return model_; }
  CallCounters& counters(std::size_t thread) const noexcept { return counters_[thread]; }
  // All tasks and signatures together.
  CallTotals totals(Protocol protocol, Transport transport = Transport::kHttp) const noexcept;
  // Of requests that were answered well.
  CallTotals answered(const CallKind& kind) const noexcept;
  // When the last of them was, in milliseconds since 1970; 0 where none was.
  uint64_t lastMs() const noexcept;
  // The place of a signature of this model's endpoints; of another one, 0.
  std::size_t placeOf(const Signature* signature) const noexcept;
  ExecutionCounters& executions(std::size_t thread) const noexcept { return executions_[thread]; }
  ExecutionTotals executionTotals() const noexcept;
  // Whoever has answered a call of the model offers it there, if it is on.
  ShadowTap& tap() const noexcept { return tap_; }

 private:
  const std::string name_;
  const int64_t version_;
  const std::shared_ptr<runtime::LoadedModel> model_;
  const std::vector<std::string> class_labels_;
  mutable std::deque<CallCounters> counters_;  // which can't be moved
  mutable std::vector<ExecutionCounters> executions_;
  mutable ShadowTap tap_;
};

using ServedModels = std::vector<std::shared_ptr<const ServedModel>>;
// Label → version.
using Labels = std::map<std::string, int64_t, std::less<>>;

// A version that is given a share of the calls, from 0 to 1.
struct Canary {
  int64_t version = 0;
  double share = 0;
};

// Who answers the calls of a model that name no version.
struct Routing {
  Labels labels;
  std::optional<int64_t> usual;  // where there is no label either; the highest if there is none
  std::optional<Canary> canary;  // in place of the usual one
};

class ModelTable {
 public:
  // What became of a look-up.
  struct Found {
    std::shared_ptr<const ServedModel> model;  // null if there is none
    bool name_is_known = false;
    bool label_is_known = true;
  };

  ModelTable() = default;
  ModelTable(const ServedModels& models, const std::map<std::string, Routing>& routing);

  // The version, or the label's, or where neither is asked for, the one whose turn it is.
  Found find(std::string_view name, std::optional<int64_t> version, std::string_view label) const;

 private:
  struct Entry {
    std::map<int64_t, std::shared_ptr<const ServedModel>> versions;  // at least one
    Labels labels;
    std::shared_ptr<const ServedModel> usual;
    std::shared_ptr<const ServedModel> canary;  // null if there is none
    std::optional<Turns> turns;                 // of the canary

    void route(const Routing& routing);
  };
  std::map<std::string, Entry, std::less<>> entries_;
};

}  // namespace aios::server
