#include "runtime/contest.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "aios/error.hpp"

namespace aios::runtime {
namespace {

// Those that run here and take part from the start; only the first where nothing is measured.
std::vector<Candidate*> contestants(Contest& contest, std::size_t index) {
  std::vector<Candidate*> found;
  for (const auto& candidate : contest.candidates) {
    if (!candidate->reserve().empty()) continue;
    if (contest.cache == nullptr && !found.empty()) break;
    if (candidate->runner(index) != nullptr) found.push_back(candidate.get());
  }
  return found;
}

Choice fromCache(const Contest& contest, const CallKind& call) {
  Choice choice;
  if (contest.cache == nullptr) return choice;
  choice.standings = contest.cache->find(call.signature.name, call.sizes);
  std::multimap<double, Candidate*> by_latency;
  for (const auto& candidate : contest.candidates) {
    if (!candidate->reserve().empty()) continue;
    const auto found = choice.standings.find(nameOf(candidate->artifact()));
    if (found == choice.standings.end()) {
      // If it runs here, it wasn't measured then, and may be faster: measure all again.
      if (candidate->runner(call.index) != nullptr) return {};
    } else if (found->second.refusal.empty()) {
      by_latency.emplace(found->second.latency.p50_us, candidate.get());
    }
  }
  for (const auto& [p50_us, candidate] : by_latency) {
    // Only the winner has to be loaded.
    if (choice.ranking.empty() && candidate->runner(call.index) == nullptr) continue;
    choice.ranking.push_back(candidate);
  }
  choice.reason = "the fastest by an earlier measurement on this machine";
  return choice;
}

// By latency, but for ties at the top.
void rank(Choice& choice, std::multimap<double, Candidate*> by_latency) {
  for (const auto& [p50_us, candidate] : by_latency) choice.ranking.push_back(candidate);
  const auto latencyOf = [&](const Candidate* candidate) {
    return choice.standings.at(nameOf(candidate->artifact())).latency;
  };
  const auto best = std::min_element(
      choice.ranking.begin(), choice.ranking.end(),
      [&](const Candidate* a, const Candidate* b) { return isFaster(latencyOf(a), latencyOf(b)); });
  std::rotate(choice.ranking.begin(), best, best + 1);
}

Choice byMeasurement(Contest& contest, const CallKind& call, const std::vector<Candidate*>& usable,
                     std::vector<Failure>& failures) {
  Choice choice;
  std::vector<Runner*> runners;
  for (Candidate* candidate : usable) runners.push_back(candidate->runner(call.index));
  const std::vector<Measured> results =
      measure(runners, call.inputs, call.batch, contest.max_tuning_ms);
  std::multimap<double, Candidate*> by_latency;
  bool lasting = true;
  for (std::size_t i = 0; i < usable.size(); ++i) {
    SelectionCache::Entry& entry = choice.standings[nameOf(usable[i]->artifact())];
    if (results[i].failure) {
      entry.refusal = messageOf(results[i].failure);
      lasting = lasting && codeOf(results[i].failure) == ErrorCode::kUnsupported;
      failures.push_back({usable[i], results[i].failure});
    } else {
      entry.latency = results[i].latency;
      by_latency.emplace(entry.latency.p50_us, usable[i]);
    }
  }
  if (by_latency.empty()) return choice;
  rank(choice, std::move(by_latency));
  choice.reason = choice.ranking.size() == 1 ? "the only one that answers such calls"
                                             : "the fastest by measurement";
  if (lasting) contest.cache->store(call.signature.name, call.sizes, choice.standings);
  return choice;
}

// Reserves answer what the others can't, but not what the caller has to mend.
void callReserves(Contest& contest, const CallKind& call, const std::vector<Failure>& failures,
                  Choice& choice) {
  const bool callers_fault =
      !failures.empty() &&
      std::all_of(failures.begin(), failures.end(), [](const Failure& failure) {
        return codeOf(failure.error) == ErrorCode::kInvalidArgument;
      });
  if (callers_fault) return;
  for (const auto& candidate : contest.candidates) {
    if (candidate->reserve().empty() || candidate->runner(call.index) == nullptr) continue;
    choice.ranking.push_back(candidate.get());
    choice.reason = "no other engine here answers such calls";
    return;
  }
}

}  // namespace

std::string nameOf(const bundle::Artifact& artifact) {
  return artifact.engine + "/" + artifact.target + "/" + artifact.precision;
}

EngineChoice rowOf(const bundle::Artifact& artifact) {
  EngineChoice row;
  row.engine = artifact.engine;
  row.target = artifact.target;
  row.precision = artifact.precision;
  row.max_error = artifact.max_error;
  return row;
}

Choice choose(Contest& contest, const CallKind& call) {
  Choice choice = fromCache(contest, call);
  if (!choice.ranking.empty()) return choice;
  const std::vector<Candidate*> usable = contestants(contest, call.index);
  std::vector<Failure> failures;
  if (usable.size() > 1) {
    choice = byMeasurement(contest, call, usable, failures);
  } else {
    const auto others = std::count_if(contest.candidates.begin(), contest.candidates.end(),
                                      [](const auto& other) { return other->reserve().empty(); });
    choice.ranking = usable;
    choice.reason = others == 1 ? "the only one that may run"
                                : "the first that runs here; nothing was measured";
  }
  if (choice.ranking.empty()) callReserves(contest, call, failures, choice);
  if (!choice.ranking.empty()) return choice;
  if (failures.empty()) throwNoneRuns(contest);
  throwNoneAnswers(failures, call.inputs);
}

// The engine's own error where there is only one, else one that tells of all.
void throwNoneRuns(const Contest& contest) {
  const std::string& engine = contest.candidates.front()->artifact().engine;
  if (std::all_of(contest.candidates.begin(), contest.candidates.end(),
                  [&](const auto& other) { return other->artifact().engine == engine; })) {
    contest.candidates.front()->requireUsable();
  }
  std::string reasons;
  for (const auto& candidate : contest.candidates) {
    reasons +=
        (reasons.empty() ? "" : "; ") + candidate->artifact().engine + ": " + candidate->refusal();
  }
  throw Error(ErrorCode::kNotFound, "no engine can run this bundle here: " + reasons);
}

void throwNoneAnswers(const std::vector<Failure>& failures, Span<const TensorView> inputs) {
  const auto telling = std::find_if(failures.begin(), failures.end(), [](const Failure& failure) {
    return codeOf(failure.error) != ErrorCode::kUnsupported;
  });
  const bool callers_fault =
      telling != failures.end() && codeOf(telling->error) == ErrorCode::kInvalidArgument;
  // Artifacts of one engine may say the same.
  std::vector<std::string> reasons;
  for (const Failure& failure : failures) {
    std::string reason = failure.candidate->artifact().engine + ": " + messageOf(failure.error);
    if (std::find(reasons.begin(), reasons.end(), reason) == reasons.end()) {
      reasons.push_back(std::move(reason));
    }
  }
  if (reasons.size() == 1 || callers_fault) {
    std::rethrow_exception(callers_fault ? telling->error : failures.front().error);
  }
  std::string all;
  for (const std::string& reason : reasons) all += (all.empty() ? "" : "; ") + reason;
  throw Error(telling == failures.end() ? ErrorCode::kUnsupported : codeOf(telling->error),
              "no engine of this bundle answers " + describeAll(inputs) + " here: " + all);
}

std::string describeAll(Span<const TensorView> tensors) {
  std::string text;
  for (const TensorView& tensor : tensors) text += (text.empty() ? "" : ", ") + describe(tensor);
  return text;
}

std::string messageOf(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& known) {
    return known.what();
  } catch (...) {
    return "unknown error";
  }
}

ErrorCode codeOf(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const Error& known) {
    return known.code();
  } catch (...) {
    return ErrorCode::kInternal;
  }
}

}  // namespace aios::runtime
