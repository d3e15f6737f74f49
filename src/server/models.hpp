// The models that a server answers for: an immutable table, replaced as a whole.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/loaded_model.hpp"
#include "server/metrics.hpp"

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
  CallCounters& counters(std::size_t thread) const noexcept { return counters_[thread]; }
  CallTotals totals(Protocol protocol) const noexcept;

 private:
  const std::string name_;
  const int64_t version_;
  const std::shared_ptr<runtime::LoadedModel> model_;
  const std::vector<std::string> class_labels_;
  mutable std::vector<CallCounters> counters_;
};

using ServedModels = std::vector<std::shared_ptr<const ServedModel>>;
// Label → version.
using Labels = std::map<std::string, int64_t, std::less<>>;

class ModelTable {
 public:
  // What became of a look-up.
  struct Found {
    std::shared_ptr<const ServedModel> model;  // null if there is none
    bool name_is_known = false;
    bool label_is_known = true;
  };

  ModelTable() = default;
  ModelTable(const ServedModels& models, const std::map<std::string, Labels>& labels);

  // The version, or the label's, or where neither is asked for, the highest.
  Found find(std::string_view name, std::optional<int64_t> version, std::string_view label) const;

 private:
  struct Entry {
    std::map<int64_t, std::shared_ptr<const ServedModel>> versions;  // at least one
    Labels labels;
  };
  std::map<std::string, Entry, std::less<>> entries_;
};

}  // namespace aios::server
