#include "bindings.hpp"
#include "runtime/cpu_limits.hpp"
#include "runtime/thread_budget.hpp"

namespace nb = nanobind;

namespace aios::python {

void bindThreads(nb::module_& module) {
  module.def(
      "cgroup_cpus", [] { return runtime::cgroupCpus(); },
      "The lowest CPU limit of this process's control groups; infinity if there is none.");
  module.def(
      "usable_cpus",
      [] { return runtime::usableCpus(runtime::affinityCpus(), runtime::cgroupCpus()); },
      "CPUs that this process may use, by its affinity and its control groups.");
  module.def(
      "thread_budget", [] { return runtime::threadBudget().size(); },
      "Threads that the calls of this process may use together: $AIOS_THREADS, else the usable "
      "CPUs when it was first asked for.");
}

}  // namespace aios::python
