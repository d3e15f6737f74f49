#include "runtime/preference.hpp"

#include <algorithm>
#include <utility>

#include "bundle/ranges.hpp"
#include "engines/engine_table.hpp"

namespace aios::runtime {
namespace {

using bundle::Artifact;
using Artifacts = std::vector<const Artifact*>;

// Of one precision only: a lower one is proved near the samples alone, and asked for all the same.
bool isProvedFurther(const Artifact& a, const Artifact& b) {
  return a.precision == b.precision && a.range_known && b.range_known &&
         bundle::isFurther(a.proven, b.proven);
}

const Artifact* provedFurtherThan(const Artifact& artifact, const Artifacts& others) {
  const auto found = std::find_if(others.begin(), others.end(), [&](const Artifact* other) {
    return isProvedFurther(*other, artifact);
  });
  return found == others.end() ? nullptr : *found;
}

const Artifact* propagatesBetterThan(const Artifact& artifact, const Artifacts& others) {
  const auto found = std::find_if(others.begin(), others.end(), [&](const Artifact* other) {
    return other->precision == artifact.precision && other->probes == artifact.probes &&
           other->propagated > artifact.propagated;
  });
  return found == others.end() ? nullptr : *found;
}

std::string whyNarrow(const Artifact& artifact, const Artifact& further) {
  return "it is proved for " + bundle::describe(artifact.proven) + " only, " + further.engine +
         " for " + bundle::describe(further.proven);
}

std::string whyItHidesNan(const Artifact& artifact, const Artifact& better) {
  return "it hides NaN and infinities that the training model answers in " +
         std::to_string(artifact.probes - artifact.propagated) + " of " +
         std::to_string(artifact.probes) + " probes, " + better.engine + " in " +
         std::to_string(better.probes - better.propagated);
}

// Takes those out of `from` that `reason` gives a reason for.
template <typename Reason>
std::vector<Preferred> takeOut(Artifacts& from, const Reason& reason) {
  Artifacts kept;
  std::vector<Preferred> taken;
  for (const Artifact* artifact : from) {
    std::string why = reason(*artifact);
    if (why.empty()) {
      kept.push_back(artifact);
    } else {
      taken.push_back({artifact, std::move(why)});
    }
  }
  from = std::move(kept);
  return taken;
}

// Those that another is proved further than, the further ones first.
std::vector<Preferred> takeOutNarrow(Artifacts& from) {
  const Artifacts all = from;
  const auto rank = [&](const Preferred& one) {
    return std::count_if(all.begin(), all.end(), [&](const Artifact* other) {
      return isProvedFurther(*other, *one.artifact);
    });
  };
  std::vector<Preferred> narrow = takeOut(from, [&](const Artifact& artifact) -> std::string {
    const Artifact* further = provedFurtherThan(artifact, all);
    return further == nullptr ? "" : whyNarrow(artifact, *further);
  });
  std::stable_sort(narrow.begin(), narrow.end(),
                   [&](const Preferred& a, const Preferred& b) { return rank(a) < rank(b); });
  return narrow;
}

// What loading its engine costs; empty for one that is light.
std::string costOf(const Artifact& artifact) {
  const engines::EngineFacts* facts = engines::findEngine(artifact.engine);
  return facts == nullptr ? "" : facts->cost;
}

bool isLight(const Artifact* artifact) { return costOf(*artifact).empty(); }

bool isLightAnywhere(const Artifact* artifact) {
  const engines::EngineFacts* facts = engines::findEngine(artifact->engine);
  return facts != nullptr && facts->runs_anywhere && isLight(artifact);
}

// Takes none out where nothing lighter is left, or where no light engine that runs on any processor
// passed.
std::vector<Preferred> takeOutHeavy(Artifacts& from, const Artifacts& all) {
  const bool lighter = std::any_of(from.begin(), from.end(), isLight);
  const bool anywhere = std::any_of(all.begin(), all.end(), isLightAnywhere);
  return takeOut(from, [&](const Artifact& artifact) -> std::string {
    if (!lighter || !anywhere || isLight(&artifact)) return "";
    return costOf(artifact) +
           ": it answers only what no other engine does; name the engine to use it";
  });
}

std::vector<Preferred> takeOutThoseThatHideNan(Artifacts& from) {
  const Artifacts all = from;
  return takeOut(from, [&](const Artifact& artifact) -> std::string {
    const Artifact* better = propagatesBetterThan(artifact, all);
    return better == nullptr ? "" : whyItHidesNan(artifact, *better);
  });
}

}  // namespace

std::vector<Preferred> preferenceOf(const Artifacts& artifacts) {
  Artifacts first = artifacts;
  const std::vector<Preferred> narrow = takeOutNarrow(first);
  const std::vector<Preferred> heavy = takeOutHeavy(first, artifacts);
  const std::vector<Preferred> hiding = takeOutThoseThatHideNan(first);
  std::vector<Preferred> order;
  for (const Artifact* artifact : first) order.push_back({artifact, ""});
  for (const auto* reserves : {&hiding, &heavy, &narrow}) {
    order.insert(order.end(), reserves->begin(), reserves->end());
  }
  return order;
}

}  // namespace aios::runtime
