// One bind function per concept, each in its own file.
#pragma once

#include <nanobind/nanobind.h>

namespace aios::python {

void bindBundle(nanobind::module_& module);
void bindCell(nanobind::module_& module);
void bindMetrics(nanobind::module_& module);
void bindSignature(nanobind::module_& module);

}  // namespace aios::python
