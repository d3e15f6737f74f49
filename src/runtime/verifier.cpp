#include "runtime/verifier.hpp"

#include <algorithm>
#include <cstdio>

#include "aios/error.hpp"

namespace aios::runtime {
namespace {

std::string figure(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", value);
  return text;
}

// One call, with results of the references' shapes. Strings can only be allocated by the engine.
std::vector<Tensor> answer(engines::Session& session, const bundle::GoldenCall& asked,
                           const bundle::GoldenCall& expected) {
  if (!expected.strings.empty()) return session.answer(asked.views);
  std::vector<Tensor> answers;
  for (const TensorView& reference : expected.views) {
    answers.emplace_back(reference.dtype(), reference.shape());
  }
  std::vector<TensorView> views = viewsOf(answers);
  session.run(asked.views, views);
  return answers;
}

// One signature of an artifact under verification.
class Examination {
 public:
  Examination(const Runner& runner, engines::Session& session, const bundle::GoldenSamples& golden,
              const bundle::Artifact& artifact)
      : signature_(runner.signature()),
        session_(session),
        golden_(golden),
        artifact_(artifact),
        available_(std::min(golden.count(signature_), artifact.golden_samples)) {}

  std::size_t available() const noexcept { return available_; }

  // Whether a sample judges the artifact.
  bool judges(std::size_t sample) const {
    return bundle::isInside(artifact_.proven, signature_, golden_.inputs(signature_, sample).views);
  }

  void judge(std::size_t sample, Verification& result) const {
    const bundle::GoldenCall expected = golden_.outputs(signature_, sample);
    const bundle::GoldenCall asked = golden_.inputs(signature_, sample);
    const std::vector<Tensor> answers = answer(session_, asked, expected);
    for (std::size_t output = 0; output < answers.size(); ++output) {
      compareTensor(answers[output].view(), expected.views[output], artifact_.tolerance,
                    signature_.outputs[output].name, sample, result);
    }
    if (answers.size() == 1) compareClasses(answers[0].view(), expected.views[0], result);
    ++result.samples;
  }

  // Samples spread over all that judge, nearer ones in place of those that don't.
  void judgeSome(std::size_t wanted, Verification& result) const {
    std::size_t next = 0;
    for (std::size_t i = 0; i < wanted; ++i) {
      std::size_t sample = i * available_ / wanted;
      while (sample > next && !judges(sample)) --sample;
      if (sample < next || !judges(sample)) continue;
      judge(sample, result);
      next = sample + 1;
    }
  }

  void judgeAll(Verification& result) const {
    const bool explores = artifact_.verdict == bundle::Verdict::kPending && !artifact_.range_known;
    for (std::size_t sample = 0; sample < available_; ++sample) {
      if (judges(sample)) {
        judge(sample, result);
      } else if (explores && misses(sample)) {
        result.missed.emplace_back(signature_.name, sample);
      }
    }
    for (std::size_t probe = 0; probe < golden_.probeCount(signature_); ++probe) {
      ++result.probes;
      if (propagates(probe)) ++result.propagated;
    }
  }

 private:
  bool misses(std::size_t sample) const {
    Verification alone;
    try {
      judge(sample, alone);
    } catch (const Error&) {
      return true;
    }
    return !(alone.worst <= 1);
  }

  bool propagates(std::size_t probe) const {
    const bundle::GoldenCall expected = golden_.probeOutputs(signature_, probe);
    const bundle::GoldenCall asked = golden_.probeInputs(signature_, probe);
    try {
      const std::vector<Tensor> answers = answer(session_, asked, expected);
      return std::equal(answers.begin(), answers.end(), expected.views.begin(),
                        [&](const Tensor& got, const TensorView& reference) {
                          return hidesNothing(got.view(), reference);
                        });
    } catch (const Error&) {
      return false;
    }
  }

  const Signature& signature_;
  engines::Session& session_;
  const bundle::GoldenSamples& golden_;
  const bundle::Artifact& artifact_;
  const std::size_t available_;
};

}  // namespace

namespace {

// Samples at other inner sizes, all of which count. An artifact isn't judged by those that it
// refuses: other engines answer them.
void verifyOtherSizes(engines::Session& session, const Signature& signature,
                      const bundle::GoldenSamples& golden, const bundle::Artifact& artifact,
                      Verification& result) {
  for (const Signature& sized : golden.otherSizes(signature)) {
    for (std::size_t sample = 0; sample < golden.count(sized); ++sample) {
      const bundle::GoldenCall expected = golden.outputs(sized, sample);
      const bundle::GoldenCall asked = golden.inputs(sized, sample);
      std::vector<Tensor> answers;
      try {
        answers = answer(session, asked, expected);
      } catch (const Error& error) {
        if (error.code() != ErrorCode::kUnsupported) throw;
        break;
      }
      for (std::size_t output = 0; output < answers.size(); ++output) {
        compareTensor(answers[output].view(), expected.views[output], artifact.tolerance,
                      signature.outputs[output].name + " of " + describe(asked.views.front()),
                      sample, result);
      }
      ++result.samples;
    }
  }
}

}  // namespace

Verification verifyModel(Span<const std::unique_ptr<Runner>> runners,
                         const bundle::GoldenSamples& golden, const bundle::Artifact& artifact,
                         std::size_t max_samples) {
  Verification result;
  for (const std::unique_ptr<Runner>& runner : runners) {
    const SessionPool::Lease session = runner->pool().acquire();
    const Examination examination(*runner, *session.slot().session, golden, artifact);
    if (max_samples < examination.available()) {
      examination.judgeSome(max_samples, result);
    } else {
      examination.judgeAll(result);
      verifyOtherSizes(*session.slot().session, runner->signature(), golden, artifact, result);
    }
  }
  // Written so that a NaN would fail.
  result.ok = result.worst <= 1;
  if (result.samples == 0) {
    result.ok = false;
    result.reason = "the bundle has no golden samples to verify with";
  } else if (!result.ok) {
    result.reason = "golden sample " + std::to_string(result.sample) + ", tensor '" +
                    result.tensor + "': the answer is " + figure(result.worst) +
                    " tolerances away from the training model's (largest error " +
                    figure(result.max_error) + ")";
  }
  return result;
}

}  // namespace aios::runtime
