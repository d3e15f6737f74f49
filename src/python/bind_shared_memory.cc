#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <string>
#include <tuple>
#include <vector>

#include "bindings.hpp"
#include "server/shared_memory.hpp"

namespace nb = nanobind;

namespace aios::python {
namespace {

using server::SharedMemory;
using Row = std::tuple<std::string, std::string, uint64_t, uint64_t>;

std::vector<Row> rowsOf(const SharedMemory& memory) {
  std::vector<Row> rows;
  for (const server::RegionInfo& region : memory.list()) {
    rows.emplace_back(region.name, region.key, region.offset, region.bytes);
  }
  return rows;
}

}  // namespace

void bindSharedMemory(nb::module_& module) {
  nb::class_<SharedMemory>(module, "SharedMemory",
                           "Regions of POSIX shared memory that clients have registered.")
      .def(
          "add",
          [](SharedMemory& self, const std::string& name, const std::string& key, uint64_t offset,
             uint64_t byte_size) { self.add({name, key, offset, byte_size}); },
          nb::arg("name"), nb::arg("key"), nb::arg("offset"), nb::arg("byte_size"))
      .def(
          "remove", [](SharedMemory& self, const std::string& name) { self.remove(name); },
          nb::arg("name"), "Of no effect where there is none of that name.")
      .def("clear", &SharedMemory::clear)
      .def("list", &rowsOf, "(name, key, offset, byte_size) of each, by name.");
}

}  // namespace aios::python
