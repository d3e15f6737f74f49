// One bind function per concept, each in its own file.
#pragma once

#include <nanobind/nanobind.h>

#include <map>
#include <string>

#include "aios/performance_cell.hpp"

namespace aios::python {

// Engine → path of its library.
using Libraries = std::map<std::string, std::string>;

inline CellOptions optionsWith(const Libraries& libraries) {
  CellOptions options;
  options.libraries = libraries;
  return options;
}

// Sets the Python exception of the error's code.
void setPythonError(const Error& error);

void bindBundle(nanobind::module_& module);
void bindCell(nanobind::module_& module);
void bindEngines(nanobind::module_& module);
void bindMetrics(nanobind::module_& module);
void bindProtection(nanobind::module_& module);
void bindServer(nanobind::module_& module);
void bindSharedMemory(nanobind::module_& module);
void bindSignature(nanobind::module_& module);
void bindStream(nanobind::module_& module);
void bindSubmissions(nanobind::module_& module);
void bindThreads(nanobind::module_& module);

}  // namespace aios::python
