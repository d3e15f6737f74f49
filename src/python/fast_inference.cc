#include <algorithm>
#include <array>
#include <exception>
#include <optional>
#include <string>

#include "cell.hpp"
#include "numpy_tensor.hpp"

namespace nb = nanobind;

namespace aios::python {
namespace {

using runtime::Endpoint;

// Cell.perform_inference as nanobind made it: the general way.
PyObject* general = nullptr;
PyObject* out_name = nullptr;

// Whether the arguments are (x) or (x, out=…); gives `out`, null if there is none.
bool isUsualCall(Py_ssize_t count, PyObject* names, PyObject* const* arguments, PyObject** out) {
  *out = nullptr;
  if (count != 1) return false;
  if (names == nullptr) return true;
  if (PyTuple_GET_SIZE(names) != 1 || PyTuple_GET_ITEM(names, 0) != out_name) return false;
  *out = arguments[1] == Py_None ? nullptr : arguments[1];
  return true;
}

// Null, with no error set, if this call needs the general way.
PyObject* inferPlainArrays(Cell& cell, PyObject* x, PyObject* out) {
  if (cell.plainEndpoint() == nullptr) return nullptr;
  // Ends after all that it may take away: the model, if a weak reference's callback closes the
  // cell.
  nb::object dropped;
  const std::shared_ptr<runtime::LoadedModel>& model = cell.model();
  model->requireSameProcess();
  Endpoint& endpoint = *cell.plainEndpoint();
  const Signature& signature = endpoint.signature();
  const std::optional<TensorView> viewed = viewPlainArray(x, signature.inputs[0].dtype);
  if (!viewed) return nullptr;
  const Span<const TensorView> input(&*viewed, 1);
  const int64_t batch = checkInputs(signature, input);
  const auto answer = [&](TensorView& output) {
    if (batch == 0) return;
    withoutGilIfLong(model, endpoint, batch,
                     [&] { endpoint.inferChecked(input, {&output, 1}, batch); });
  };
  if (out == nullptr) {
    BorrowedArray made = cell.results().take(signature.outputs[0], batch, dropped);
    answer(made.view);
    return made.array.release().ptr();
  }
  std::optional<TensorView> output = viewPlainArray(out, signature.outputs[0].dtype);
  if (!output) return nullptr;
  endpoint.checkOutputs(input, {&*output, 1}, batch);
  answer(*output);
  return Py_NewRef(out);
}

PyObject* callGeneral(PyObject* self, PyObject* const* arguments, Py_ssize_t count,
                      PyObject* names) {
  std::array<PyObject*, 8> with_self{};
  const Py_ssize_t total = count + (names == nullptr ? 0 : PyTuple_GET_SIZE(names));
  if (total >= static_cast<Py_ssize_t>(with_self.size())) {
    PyErr_SetString(PyExc_TypeError, "perform_inference() got too many arguments");
    return nullptr;
  }
  with_self[0] = self;
  std::copy(arguments, arguments + total, with_self.begin() + 1);
  return PyObject_Vectorcall(general, with_self.data(), static_cast<size_t>(count + 1), names);
}

PyObject* fastInference(PyObject* self, PyObject* const* arguments, Py_ssize_t count,
                        PyObject* names) {
  PyObject* out = nullptr;
  if (isUsualCall(count, names, arguments, &out)) {
    try {
      PyObject* result = inferPlainArrays(*nb::inst_ptr<Cell>(self), arguments[0], out);
      if (result != nullptr) return result;
    } catch (nb::python_error& error) {
      error.restore();
      return nullptr;
    } catch (const Error& error) {
      setPythonError(error);
      return nullptr;
    } catch (const std::bad_alloc&) {
      PyErr_NoMemory();
      return nullptr;
    } catch (const std::exception& error) {
      setPythonError({ErrorCode::kInternal, error.what()});
      return nullptr;
    }
  }
  return callGeneral(self, arguments, count, names);
}

}  // namespace

void bindFastInference(nb::module_& module) {
  static PyMethodDef definition = {
      "perform_inference",
      reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(&fastInference)),
      METH_FASTCALL | METH_KEYWORDS, nullptr};
  const nb::object type = module.attr("Cell");
  const nb::object slow = type.attr("perform_inference");
  static const std::string doc = nb::cast<std::string>(slow.attr("__doc__"));
  definition.ml_doc = doc.c_str();
  general = slow.inc_ref().ptr();
  out_name = PyUnicode_InternFromString("out");
  PyObject* method = PyDescr_NewMethod(reinterpret_cast<PyTypeObject*>(type.ptr()), &definition);
  if (method == nullptr) nb::raise_python_error();
  module.attr("fast_inference") = nb::steal(method);
}

}  // namespace aios::python
