// The engines of a bundle against each other: which of them answer a kind of call, best first.
#pragma once

#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "runtime/candidate.hpp"
#include "runtime/selection.hpp"

namespace aios::runtime {

// What the endpoints of a model share: its candidates, in the order of preference where nothing was
// measured and reserves last, and what was measured before.
struct Contest {
  std::vector<std::unique_ptr<Candidate>> candidates;
  std::unique_ptr<SelectionCache> cache;  // null: nothing is measured, the first that runs is taken
  double max_tuning_ms = 0;
  std::mutex measuring;  // one measurement at a time
};

// One kind of call: inputs, and what tells them from others of the signature by their sizes.
struct CallKind {
  const Signature& signature;
  std::size_t index;  // the signature's place in the bundle
  const std::string& sizes;
  Span<const TensorView> inputs;
  int64_t batch;
};

struct Choice {
  std::vector<Candidate*> ranking;  // those that answer, best first; never empty
  std::string reason;               // why the first is
  SelectionCache::Row standings;    // by the artifact's name
};

// Why an engine didn't answer.
struct Failure {
  const Candidate* candidate;
  std::exception_ptr error;
};

// What tells one artifact of a bundle from another.
std::string nameOf(const bundle::Artifact& artifact);
// A row of explain() that so far says only which artifact it is of.
EngineChoice rowOf(const bundle::Artifact& artifact);

// Chooses by what was measured before, else by measurement. An engine that fails on these inputs is
// out of the contest for their kind. Throws what keeps every candidate from answering. For the
// holder of `contest.measuring`.
Choice choose(Contest& contest, const CallKind& call);

// Throws what keeps the candidates from running here.
[[noreturn]] void throwNoneRuns(const Contest& contest);
// Throws the only failure, or one that tells of all. `failures` isn't empty.
[[noreturn]] void throwNoneAnswers(const std::vector<Failure>& failures,
                                   Span<const TensorView> inputs);

// As "float32[2,3], int32[2]".
std::string describeAll(Span<const TensorView> tensors);
std::string messageOf(const std::exception_ptr& error);
// Internal for what is no aios::Error.
ErrorCode codeOf(const std::exception_ptr& error);

}  // namespace aios::runtime
