#include "server/models.hpp"

#include <utility>

namespace aios::server {

ServedModel::ServedModel(std::string name, int64_t version,
                         std::shared_ptr<runtime::LoadedModel> model, std::size_t threads,
                         std::vector<std::string> class_labels)
    : name_(std::move(name)),
      version_(version),
      model_(std::move(model)),
      class_labels_(std::move(class_labels)),
      counters_(threads) {}

CallTotals ServedModel::totals(Protocol protocol) const noexcept {
  CallTotals totals;
  for (const CallCounters& counters : counters_) counters.addTo(protocol, totals);
  return totals;
}

ModelTable::ModelTable(const ServedModels& models, const std::map<std::string, Labels>& labels) {
  for (const auto& model : models) entries_[model->name()].versions[model->version()] = model;
  for (const auto& [name, of_name] : labels) {
    const auto entry = entries_.find(name);
    if (entry != entries_.end()) entry->second.labels = of_name;
  }
}

ModelTable::Found ModelTable::find(std::string_view name, std::optional<int64_t> version,
                                   std::string_view label) const {
  Found found;
  const auto entry = entries_.find(name);
  if (entry == entries_.end()) return found;
  found.name_is_known = true;
  const auto& [versions, labels] = entry->second;
  if (!label.empty()) {
    const auto labelled = labels.find(label);
    found.label_is_known = labelled != labels.end();
    if (!found.label_is_known) return found;
    version = labelled->second;
  }
  const auto chosen = version.has_value() ? versions.find(*version) : std::prev(versions.end());
  if (chosen != versions.end()) found.model = chosen->second;
  return found;
}

}  // namespace aios::server
