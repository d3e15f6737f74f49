// One bind function per concept, each in its own file.
#pragma once

#include <nanobind/nanobind.h>

#include <string>
#include <unordered_map>

#include "aios/performance_cell.hpp"

namespace aios::python {

// Engine → path of its library.
using Libraries = std::unordered_map<std::string, std::string>;

inline CellOptions optionsWith(const Libraries& libraries) {
  CellOptions options;
  const auto path = [&](const char* engine) {
    const auto found = libraries.find(engine);
    return found == libraries.end() ? std::string() : found->second;
  };
  options.litert_library = path("litert");
  options.openvino_library = path("openvino");
  options.tensorflow_library = path("tensorflow");
  return options;
}

// Sets the Python exception of the error's code.
void setPythonError(const Error& error);

void bindBundle(nanobind::module_& module);
void bindCell(nanobind::module_& module);
void bindMetrics(nanobind::module_& module);
void bindSignature(nanobind::module_& module);
void bindThreads(nanobind::module_& module);

}  // namespace aios::python
