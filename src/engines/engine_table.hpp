// The engines of this build, one row each. A new engine is its folder, its row in engine_table.cpp
// and its exporter: nothing else in C++ names one.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "aios/performance_cell.hpp"
#include "engines/engine.hpp"

namespace aios::engines {

// A vendor's shared library, and where a Python environment has it.
struct VendorLibrary {
  const char* vendor = "";    // as messages name it; empty: the engine needs no such library
  const char* variable = "";  // environment variable of the library's path
  const char* soname = "";    // what the loader finds where nobody says where it is
  const char* package = "";   // the Python package that has it in its folder
  const char* file = "";      // below that folder; "*" stands for a version
  const char* wheels = "";    // pip's names of the package, the first to recommend first
  const char* tested = "";    // versions that it was tested with, as "2.3"
  // Its field in the options of a cell; null: CellOptions::libraries alone.
  std::string CellOptions::* option = nullptr;
};

// Words, the unused ones null.
using Words = std::array<const char*, 4>;

struct EngineFacts {
  const char* name = "";  // in bundles, options and messages
  VendorLibrary library;
  // What loading its library costs, for an engine that answers only what no lighter one does; empty
  // for one that takes part like any other.
  const char* cost = "";
  bool runs_anywhere = false;   // on any processor that aios runs on
  bool machine_code = false;    // its artifacts are code for some processors
  bool starts_threads = false;  // loading does, and they stay to serve the whole process
  bool survives_fork = true;    // a forked child may load models again
  // Environment variable that fixes the threads of all its models at once; empty: each has its own.
  const char* threads_variable = "";
  Words devices = {"cpu"};
  Words precisions = {"float32"};

  std::shared_ptr<const Model> (*load)(const bundle::Bundle&, const bundle::Artifact&,
                                       const EngineOptions&) = nullptr;
  // The signatures of a bare SavedModel with these tags, and the artifact that runs it; null if the
  // engine runs none.
  bundle::Bundle (*describeSavedModel)(const std::string& directory,
                                       const std::vector<std::string>& tags,
                                       const EngineOptions&) = nullptr;
};

// All of them, in the order in which they are preferred where nothing was measured. Safe from any
// thread.
Span<const EngineFacts> engineTable() noexcept;

// Null if this build has no such engine.
const EngineFacts* findEngine(const std::string& name) noexcept;
// Throws NotFound, naming those that there are.
const EngineFacts& engineNamed(const std::string& name);

// Loads an artifact of a bundle whose files are already checked; both outlive the model. Throws
// NotFound, naming the remedy, if the engine isn't installed or isn't known.
std::shared_ptr<const Model> loadModel(const bundle::Bundle& bundle,
                                       const bundle::Artifact& artifact,
                                       const EngineOptions& options);

// "a, b or c", with " or " as the last link.
std::string listed(const std::vector<std::string>& words, const char* last_link);

// What a row that was compiled elsewhere must agree on.
inline constexpr std::size_t kRowLayout =
    sizeof(EngineFacts) << 32 | sizeof(bundle::Bundle) << 16 | sizeof(bundle::Artifact);

// For tests: a further engine, until it is removed. The row's texts outlive it. Throws
// InvalidArgument for a name that is taken, Overloaded if there is no room.
void addEngine(const EngineFacts& row);
// The one that was added last; no model of it may be loading.
void removeAddedEngine() noexcept;

}  // namespace aios::engines
