#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "aios/signature.hpp"
#include "bindings.hpp"

namespace nb = nanobind;

namespace aios::python {
namespace {

std::string join(const std::vector<TensorSpec>& specs) {
  std::string text;
  for (const TensorSpec& spec : specs) {
    text += (text.empty() ? "" : ", ") + spec.name + ": " + describe(spec);
  }
  return text;
}

}  // namespace

void bindSignature(nb::module_& module) {
  nb::class_<TensorSpec>(module, "TensorSpec", "One named tensor: its dtype and its shape.")
      .def_ro("name", &TensorSpec::name, "The name in the model's signature.")
      .def_prop_ro(
          "dtype", [](const TensorSpec& spec) { return name(spec.dtype); },
          "NumPy's name, as \"float32\".")
      .def_prop_ro(
          "shape", [](const TensorSpec& spec) { return nb::tuple(nb::cast(spec.shape)); },
          nb::sig("def shape(self) -> tuple[int, ...]"), "Sizes; -1 where any size is taken.")
      .def("__repr__", [](const TensorSpec& spec) {
        return "TensorSpec(" + spec.name + ": " + describe(spec) + ")";
      });
  nb::class_<Signature>(module, "Signature", "What a model takes and gives, in order.")
      .def_ro("name", &Signature::name, "The signature's name, as \"serving_default\".")
      .def_ro("inputs", &Signature::inputs, "Tensor specs of the inputs, in order.")
      .def_ro("outputs", &Signature::outputs, "Tensor specs of the outputs, in order.")
      .def("__repr__", [](const Signature& signature) {
        return "Signature(" + signature.name + ": (" + join(signature.inputs) + ") -> (" +
               join(signature.outputs) + "))";
      });
}

}  // namespace aios::python
