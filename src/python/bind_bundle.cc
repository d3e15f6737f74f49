#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <tuple>

#include "bindings.hpp"
#include "engines/library_check.hpp"
#include "engines/phase.hpp"
#include "gil.hpp"
#include "runtime/loaded_model.hpp"

namespace nb = nanobind;

namespace aios::python {
namespace {

// Engine, target and precision: what tells one artifact of a bundle from another.
using ArtifactKey = std::tuple<std::string, std::string, std::string>;

std::vector<runtime::ArtifactVerification> verify(const std::string& path,
                                                  const Libraries& libraries, int threads,
                                                  bool include_pending,
                                                  const std::optional<ArtifactKey>& only,
                                                  bool check_files) {
  CellOptions options = optionsWith(libraries);
  options.threads = threads;
  runtime::VerifyScope scope;
  scope.include_pending = include_pending;
  scope.check_files = check_files;
  if (only) std::tie(scope.engine, scope.target, scope.precision) = *only;
  return runtime::verifyBundle(path, options, scope);
}

}  // namespace

void bindBundle(nb::module_& module) {
  using Entry = runtime::ArtifactVerification;
  nb::class_<Entry>(module, "ArtifactVerification",
                    "How one artifact answered the golden samples on this machine.")
      .def_prop_ro("engine", [](const Entry& entry) { return entry.artifact.engine; })
      .def_prop_ro("target", [](const Entry& entry) { return entry.artifact.target; })
      .def_prop_ro("precision", [](const Entry& entry) { return entry.artifact.precision; })
      .def_prop_ro("ok", [](const Entry& entry) { return entry.verification.ok; })
      .def_prop_ro(
          "worst", [](const Entry& entry) { return entry.verification.worst; },
          "Largest error, in tolerances; over 1 is a failure.")
      .def_prop_ro(
          "max_error", [](const Entry& entry) { return entry.verification.max_error; },
          "Largest absolute error.")
      .def_prop_ro(
          "relative_error", [](const Entry& entry) { return entry.verification.relativeError(); },
          "Median over samples and outputs of the largest error over the output's largest "
          "magnitude; None without floats.")
      .def_prop_ro(
          "top1_agreement", [](const Entry& entry) { return entry.verification.top1Agreement(); },
          "How often the class of the largest score is the reference's; None for a model that "
          "doesn't classify.")
      .def_prop_ro(
          "missed", [](const Entry& entry) { return entry.verification.missed; },
          "Of a pending artifact: samples outside the ranges to be proved that it didn't answer "
          "well, as pairs of a signature's name and the sample's number.")
      .def_prop_ro(
          "probes", [](const Entry& entry) { return entry.verification.probes; },
          "Calls that the training model answers with NaN or infinities.")
      .def_prop_ro(
          "propagated", [](const Entry& entry) { return entry.verification.propagated; },
          "Those of them whose NaN and infinities the answer hides none of.")
      .def_prop_ro("samples", [](const Entry& entry) { return entry.verification.samples; })
      .def_prop_ro("sample", [](const Entry& entry) { return entry.verification.sample; })
      .def_prop_ro("tensor", [](const Entry& entry) { return entry.verification.tensor; })
      .def_prop_ro("reason", [](const Entry& entry) { return entry.verification.reason; })
      .def_prop_ro(
          "not_run", [](const Entry& entry) { return entry.verification.not_run; },
          "It isn't wrong: its engine isn't installed, or it isn't made for this machine.");
  module.def(
      "verify_bundle", &verify, nb::arg("path"), nb::kw_only(), nb::arg("libraries") = Libraries(),
      nb::arg("threads") = 1, nb::arg("include_pending") = false, nb::arg("only") = nb::none(),
      nb::arg("check_files") = true, nb::call_guard<WithoutGil>(),
      "Checks every file, then runs all golden samples on every engine found here; or on one "
      "artifact, by its engine, target and precision.");
  module.def("check_libraries_with", &engines::setLibraryCheck, nb::arg("command"),
             "Sets the command that opens a vendor's library before this process does; empty for "
             "none.");
  module.def(
      "report_phases", &engines::reportPhases, nb::arg("descriptor"),
      "Writes what engines are doing, as 'compiling' and a zero byte, to the start of a file "
      "that another process can read when this one has died; -1 for nobody.");
}

}  // namespace aios::python
