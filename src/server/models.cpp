#include "server/models.hpp"

#include <algorithm>
#include <utility>

namespace aios::server {

ServedModel::ServedModel(std::string name, int64_t version,
                         std::shared_ptr<runtime::LoadedModel> model, std::size_t threads,
                         std::vector<std::string> class_labels)
    : name_(std::move(name)),
      version_(version),
      model_(std::move(model)),
      class_labels_(std::move(class_labels)),
      executions_(threads) {
  const std::size_t signatures = model_ == nullptr ? 1 : model_->endpoints().size();
  for (std::size_t i = 0; i < threads; ++i) counters_.emplace_back(signatures);
}

CallTotals ServedModel::totals(Protocol protocol, Transport transport) const noexcept {
  CallTotals totals;
  for (const CallCounters& counters : counters_) counters.addTo(protocol, transport, totals);
  return totals;
}

ExecutionTotals ServedModel::executionTotals() const noexcept {
  ExecutionTotals totals;
  for (const ExecutionCounters& executions : executions_) executions.addTo(totals);
  return totals;
}

CallTotals ServedModel::answered(const CallKind& kind) const noexcept {
  CallTotals totals;
  for (const CallCounters& counters : counters_) counters.addAnsweredTo(kind, totals);
  return totals;
}

uint64_t ServedModel::lastMs() const noexcept {
  uint64_t last = 0;
  for (const CallCounters& counters : counters_) last = std::max(last, counters.lastMs());
  return last;
}

std::size_t ServedModel::placeOf(const Signature* signature) const noexcept {
  const auto& endpoints = model_->endpoints();
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    if (&endpoints[i]->signature() == signature) return i;
  }
  return 0;
}

ModelTable::ModelTable(const ServedModels& models, const std::map<std::string, Routing>& routing) {
  for (const auto& model : models) entries_[model->name()].versions[model->version()] = model;
  for (auto& [name, entry] : entries_) {
    const auto of_name = routing.find(name);
    entry.route(of_name == routing.end() ? Routing{} : of_name->second);
  }
}

void ModelTable::Entry::route(const Routing& routing) {
  labels = routing.labels;
  const auto chosen = routing.usual.has_value() ? versions.find(*routing.usual) : versions.end();
  usual = chosen != versions.end() ? chosen->second : std::prev(versions.end())->second;
  if (!routing.canary.has_value()) return;
  const auto found = versions.find(routing.canary->version);
  if (found == versions.end()) return;
  canary = found->second;
  turns.emplace(routing.canary->share);
}

ModelTable::Found ModelTable::find(std::string_view name, std::optional<int64_t> version,
                                   std::string_view label) const {
  Found found;
  const auto entry = entries_.find(name);
  if (entry == entries_.end()) return found;
  found.name_is_known = true;
  const Entry& of_name = entry->second;
  if (!label.empty()) {
    const auto labelled = of_name.labels.find(label);
    found.label_is_known = labelled != of_name.labels.end();
    if (!found.label_is_known) return found;
    version = labelled->second;
  }
  if (!version.has_value()) {
    const bool is_canarys = of_name.canary != nullptr && of_name.turns->next();
    found.model = is_canarys ? of_name.canary : of_name.usual;
    return found;
  }
  const auto chosen = of_name.versions.find(*version);
  if (chosen != of_name.versions.end()) found.model = chosen->second;
  return found;
}

}  // namespace aios::server
