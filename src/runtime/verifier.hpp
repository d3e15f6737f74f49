// Verification: an artifact answers the golden samples as the training model did, or it doesn't.
#pragma once

#include <memory>

#include "bundle/golden.hpp"
#include "bundle/manifest.hpp"
#include "runtime/comparison.hpp"
#include "runtime/runner.hpp"

namespace aios::runtime {

// Runs up to `max_samples` golden samples of every runner's signature, spread over all of those
// that the artifact is proved on. Where all are asked for, the probes of how NaN and infinities
// propagate are run too; and of an artifact that is still pending, the samples outside the ranges
// that have to be proved, which don't judge it.
// Never throws for a wrong answer; passes on what the engine throws on samples that judge.
Verification verifyModel(Span<const std::unique_ptr<Runner>> runners,
                         const bundle::GoldenSamples& golden, const bundle::Artifact& artifact,
                         std::size_t max_samples);

}  // namespace aios::runtime
