// The graphs of an artifact as one session: chosen by the inner sizes of a call, then by its batch.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bundle/manifest.hpp"
#include "engines/engine.hpp"

namespace aios::engines {

// Gives the session of a graph, by its place in the artifact.
using MakeSession = std::function<std::unique_ptr<Session>(std::size_t graph)>;

// A session of a signature over those of an artifact's graphs that are for it: one whose sizes are
// the call's answers it, else one that takes any. With more than one set of sizes, their sessions
// are made when they are first needed, so what `make` needs must outlive the session. Throws
// Unsupported if no graph is for the signature.
std::unique_ptr<Session> sessionOf(const std::string& engine,
                                   const std::vector<bundle::Graph>& graphs,
                                   const Signature& signature, bool composable, MakeSession make);

}  // namespace aios::engines
