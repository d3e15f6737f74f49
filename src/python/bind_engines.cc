#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "aios/error.hpp"
#include "bindings.hpp"
#include "engines/engine_table.hpp"

namespace nb = nanobind;

namespace aios::python {
namespace {

using engines::EngineFacts;
using engines::VendorLibrary;

// Words of a fixed array, or of a text with spaces between them, as a tuple.
nb::tuple tupleOf(const engines::Words& words) {
  nb::list found;
  for (const char* word : words) {
    if (word != nullptr) found.append(word);
  }
  return nb::tuple(found);
}

nb::tuple tupleOf(const char* text) { return nb::tuple(nb::str(text).attr("split")()); }

// A row at an address, of a library that a test has compiled and keeps loaded.
void addRowAt(std::uintptr_t address, std::size_t layout) {
  if (layout != engines::kRowLayout) {
    throw Error(ErrorCode::kUnsupported,
                "the row of an engine was compiled for another build of aios; compile it again");
  }
  engines::addEngine(*reinterpret_cast<const EngineFacts*>(address));
}

}  // namespace

void bindEngines(nb::module_& module) {
  const auto library = [](const char* VendorLibrary::* text) {
    return [text](const EngineFacts& facts) { return facts.library.*text; };
  };
  nb::class_<EngineFacts>(module, "EngineFacts", "What is known of an engine before it is loaded.")
      .def_ro("name", &EngineFacts::name)
      .def_prop_ro("vendor", library(&VendorLibrary::vendor),
                   "Whose library it needs, as 'LiteRT'; empty for none.")
      .def_prop_ro("variable", library(&VendorLibrary::variable),
                   "Environment variable of the library's path.")
      .def_prop_ro("package", library(&VendorLibrary::package),
                   "Python package that has the library in its folder.")
      .def_prop_ro("file", library(&VendorLibrary::file),
                   "The library below that folder; '*' stands for a version.")
      .def_prop_ro("tested", library(&VendorLibrary::tested), "Tested versions, as '2.3'.")
      .def_prop_ro(
          "wheels", [](const EngineFacts& facts) { return tupleOf(facts.library.wheels); },
          nb::sig("def wheels(self) -> tuple[str, ...]"),
          "pip's names of the package, the one to recommend first.")
      .def_prop_ro(
          "heavy", [](const EngineFacts& facts) { return *facts.cost != '\0'; },
          "It answers only what no lighter engine does.")
      .def_ro("machine_code", &EngineFacts::machine_code,
              "Its artifacts are code for some processors.")
      .def_ro("starts_threads", &EngineFacts::starts_threads,
              "Loading starts threads that serve the whole process.")
      .def_ro("survives_fork", &EngineFacts::survives_fork, "A forked child may load models again.")
      .def_ro("threads_variable", &EngineFacts::threads_variable,
              "Environment variable that fixes the threads of all its models; empty for none.")
      .def_prop_ro(
          "devices", [](const EngineFacts& facts) { return tupleOf(facts.devices); },
          nb::sig("def devices(self) -> tuple[str, ...]"))
      .def_prop_ro(
          "precisions", [](const EngineFacts& facts) { return tupleOf(facts.precisions); },
          nb::sig("def precisions(self) -> tuple[str, ...]"))
      .def("__repr__",
           [](const EngineFacts& facts) { return "EngineFacts(" + std::string(facts.name) + ")"; });
  module.def(
      "engines",
      [] {
        const Span<const EngineFacts> table = engines::engineTable();
        return std::vector<EngineFacts>(table.begin(), table.end());
      },
      "The engines of this build, in the order in which they are preferred where nothing was "
      "measured.");
  module.def("_add_engine", &addRowAt, nb::arg("row"), nb::arg("layout"),
             "For tests: a further engine, by the address of its row.");
  module.def("_remove_engine", &engines::removeAddedEngine, "The one that was added last.");
}

}  // namespace aios::python
