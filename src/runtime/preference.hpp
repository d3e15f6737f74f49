// Which of a bundle's artifacts `auto` prefers before any is measured: by what they are proved for.
#pragma once

#include <string>
#include <vector>

#include "bundle/manifest.hpp"

namespace aios::runtime {

struct Preferred {
  const bundle::Artifact* artifact = nullptr;
  // Why it serves only what no other does; empty if it takes part like any other.
  std::string reserve;
};

// The artifacts in the order in which they are to be tried: those that take part like any other,
// then the reserves. A reserve is what another of its precision is proved further than, what hides
// more of the training model's NaN and infinities than another, and what is slow to load, where
// something lighter does as well.
std::vector<Preferred> preferenceOf(const std::vector<const bundle::Artifact*>& artifacts);

}  // namespace aios::runtime
