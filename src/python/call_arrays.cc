#include "call_arrays.hpp"

#include <algorithm>

namespace nb = nanobind;

namespace aios::python {
namespace {

std::string quoted(const std::vector<TensorSpec>& specs) {
  std::string text;
  for (const TensorSpec& spec : specs) text += (text.empty() ? "'" : ", '") + spec.name + "'";
  return text;
}

void checkNames(const char* role, const std::vector<TensorSpec>& specs, const nb::dict& values) {
  for (const auto& [key, value] : values) {
    const std::string text = nb::isinstance<nb::str>(key) ? nb::cast<std::string>(key) : "";
    const bool known =
        nb::isinstance<nb::str>(key) &&
        std::any_of(specs.begin(), specs.end(), [&](const auto& s) { return s.name == text; });
    if (known) continue;
    throw Error(ErrorCode::kInvalidArgument,
                std::string(role) + " " + nb::cast<std::string>(nb::repr(key)) +
                    " isn't in the signature: expected " + quoted(specs));
  }
}

nb::handle valueOf(const char* role, const TensorSpec& spec, const nb::dict& values) {
  PyObject* value = PyDict_GetItemString(values.ptr(), spec.name.c_str());
  if (value == nullptr) {
    throw Error(ErrorCode::kInvalidArgument,
                std::string(role) + " '" + spec.name + "' is missing: expected " + describe(spec));
  }
  return value;
}

// One value for the only tensor of a role, or a dict of all of them by name.
template <typename Borrow>
Arrays borrowAll(const char* role, const std::vector<TensorSpec>& specs, nb::handle values,
                 Borrow borrow) {
  Arrays arrays;
  arrays.reserve(specs.size());
  if (PyDict_Check(values.ptr())) {
    const auto dict = nb::borrow<nb::dict>(values);
    checkNames(role, specs, dict);
    for (const TensorSpec& spec : specs) arrays.push_back(borrow(valueOf(role, spec, dict), spec));
    return arrays;
  }
  if (specs.size() != 1) {
    throw Error(ErrorCode::kInvalidArgument, "the model has " + std::to_string(specs.size()) + " " +
                                                 role + "s: pass a dict with " + quoted(specs));
  }
  arrays.push_back(borrow(values, specs.front()));
  return arrays;
}

}  // namespace

Arrays borrowInputs(const Signature& signature, nb::handle x, bool copy) {
  return borrowAll("input", signature.inputs, x, [&](nb::handle value, const TensorSpec& spec) {
    return borrowInput(value, spec, copy);
  });
}

Arrays outputsFor(const Signature& signature, nb::handle out, int64_t batch) {
  if (!out.is_none()) return borrowAll("output", signature.outputs, out, borrowOutput);
  Arrays arrays;
  arrays.reserve(signature.outputs.size());
  for (const TensorSpec& spec : signature.outputs) {
    arrays.push_back(newArray(spec.dtype, outputShape(spec, batch)));
  }
  return arrays;
}

std::vector<TensorView> viewsOf(const Arrays& arrays) {
  std::vector<TensorView> views;
  views.reserve(arrays.size());
  for (const BorrowedArray& array : arrays) views.push_back(array.view);
  return views;
}

runtime::Endpoint& endpointOf(const runtime::LoadedModel& model, nb::handle name) {
  if (name.is_none()) return model.endpoint();
  if (!nb::isinstance<nb::str>(name)) {
    throw Error(ErrorCode::kInvalidArgument,
                "signature: expected the name of a signature or None, got " +
                    nb::cast<std::string>(nb::repr(name)));
  }
  return model.endpoint(nb::cast<std::string>(name));
}

}  // namespace aios::python
