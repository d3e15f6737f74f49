#include "numpy_tensor.hpp"

#define NPY_NO_DEPRECATED_API NPY_2_0_API_VERSION
#define NPY_TARGET_VERSION NPY_1_22_API_VERSION
#include <nanobind/stl/string.h>
#include <numpy/arrayobject.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "aios/error.hpp"
#include "core/dtype_codes.hpp"

namespace nb = nanobind;

namespace aios::python {
namespace {

static_assert(sizeof(npy_intp) == sizeof(int64_t), "shapes are passed without conversion");

// NumPy's number of ml_dtypes.bfloat16, which that package registers when it is imported. Throws
// NotFound if it isn't installed.
int bfloat16Type() {
  static int type = NPY_NOTYPE;
  if (type != NPY_NOTYPE) return type;
  const nb::object package = nb::steal(PyImport_ImportModule("ml_dtypes"));
  if (!package.is_valid()) {
    PyErr_Clear();
    throw Error(ErrorCode::kNotFound,
                "NumPy has bfloat16 from the package ml_dtypes, which isn't installed: pip install "
                "ml_dtypes");
  }
  const nb::object dtype = nb::module_::import_("numpy").attr("dtype")(package.attr("bfloat16"));
  return type = nb::cast<int>(dtype.attr("num"));
}

// Of a type that NumPy hasn't itself; kInvalid for any but bfloat16.
DType dtypeFromRegistered(int type) noexcept {
  try {
    return type == bfloat16Type() ? DType::kBFloat16 : DType::kInvalid;
  } catch (const std::exception&) {
    return DType::kInvalid;
  }
}

// Those that NumPy has itself; strings are arrays of objects.
constexpr auto kTypes = dtypeCodes<int>({{DType::kBool, NPY_BOOL},
                                         {DType::kInt8, NPY_INT8},
                                         {DType::kUInt8, NPY_UINT8},
                                         {DType::kInt16, NPY_INT16},
                                         {DType::kUInt16, NPY_UINT16},
                                         {DType::kInt32, NPY_INT32},
                                         {DType::kUInt32, NPY_UINT32},
                                         {DType::kInt64, NPY_INT64},
                                         {DType::kUInt64, NPY_UINT64},
                                         {DType::kFloat16, NPY_HALF},
                                         {DType::kFloat32, NPY_FLOAT32},
                                         {DType::kFloat64, NPY_FLOAT64}});
static_assert(kTypes.haveAllBut({DType::kString, DType::kBFloat16}));

// By NumPy's number: every call asks.
constexpr auto dtypesByNumber() {
  std::array<DType, NPY_HALF + 1> dtypes{};
  for (const auto& [dtype, type] : kTypes.rows) dtypes[static_cast<std::size_t>(type)] = dtype;
  // C has two integer types of 64 bits.
  dtypes[NPY_LONGLONG] = DType::kInt64;
  dtypes[NPY_ULONGLONG] = DType::kUInt64;
  return dtypes;
}

DType dtypeFromNumpy(int type) {
  static constexpr auto kByNumber = dtypesByNumber();
  const auto number = static_cast<std::size_t>(type);
  if (number < kByNumber.size()) return kByNumber[number];
  return type < NPY_USERDEF ? DType::kInvalid : dtypeFromRegistered(type);
}

constexpr auto typesByDType() {
  std::array<int, kAllDTypes.size() + 1> types{};
  for (int& type : types) type = NPY_OBJECT;
  for (const auto& [dtype, type] : kTypes.rows) types[static_cast<std::size_t>(dtype)] = type;
  return types;
}

int numpyFromDType(DType dtype) {
  static constexpr auto kByDType = typesByDType();
  return dtype == DType::kBFloat16 ? bfloat16Type() : kByDType[static_cast<std::size_t>(dtype)];
}

PyArrayObject* asArray(nb::handle value) { return reinterpret_cast<PyArrayObject*>(value.ptr()); }

Span<const int64_t> shapeOf(PyArrayObject* array) {
  return {reinterpret_cast<const int64_t*>(PyArray_DIMS(array)),
          static_cast<std::size_t>(PyArray_NDIM(array))};
}

std::string text(nb::handle value) { return nb::cast<std::string>(nb::str(value)); }

std::string describeArray(PyArrayObject* array) {
  std::string shape;
  for (const int64_t dim : shapeOf(array)) {
    shape += (shape.empty() ? "" : ",") + std::to_string(dim);
  }
  const nb::handle dtype(reinterpret_cast<PyObject*>(PyArray_DESCR(array)));
  return text(dtype) + "[" + shape + "]";
}

[[noreturn]] void reject(const char* role, const TensorSpec& spec, const std::string& got,
                         const std::string& remedy) {
  throw Error(ErrorCode::kInvalidArgument, std::string(role) + " '" + spec.name + "': expected " +
                                               describe(spec) + ", got " + got + "; " + remedy);
}

// Contiguous, aligned, and in this machine's byte order.
bool isPlain(PyArrayObject* array) { return PyArray_ISCARRAY_RO(array); }

nb::object convert(nb::handle value, const TensorSpec& spec) {
  const nb::module_ numpy = nb::module_::import_("numpy");
  const nb::object dtype =
      nb::steal(reinterpret_cast<PyObject*>(PyArray_DescrFromType(numpyFromDType(spec.dtype))));
  const nb::object array = numpy.attr("asarray")(value);
  if (!nb::cast<bool>(numpy.attr("can_cast")(array.attr("dtype"), dtype, "same_kind"))) {
    reject("input", spec, describeArray(asArray(array)), "that cast would lose information");
  }
  return numpy.attr("ascontiguousarray")(array, dtype);
}

// ascontiguousarray() gives a 0-d array one dimension; take the original's shape back.
nb::object converted(nb::handle value, const TensorSpec& spec) {
  const nb::object array = convert(value, spec);
  return spec.shape.empty() && PyArray_SIZE(asArray(array)) == 1
             ? nb::object(array.attr("reshape")(nb::tuple()))
             : array;
}

bool hasBuffer(nb::handle value) { return PyObject_CheckBuffer(value.ptr()) != 0; }

// An array over the memory of another library's tensor; none if it offers no such view.
nb::object viewOf(nb::handle value) {
  const nb::module_ numpy = nb::module_::import_("numpy");
  const auto attempt = [](auto make) -> nb::object {
    try {
      return make();
    } catch (nb::python_error& error) {
      // Not on the CPU, or a dtype that NumPy lacks: told by the caller as "no array".
      if (!error.matches(PyExc_Exception)) throw;
      return nb::none();
    }
  };
  nb::object view = nb::none();
  if (nb::hasattr(value, "__dlpack__")) {
    view = attempt([&] { return numpy.attr("from_dlpack")(value); });
  }
  if (view.is_none() && hasBuffer(value)) {
    view = attempt(
        [&] { return numpy.attr("asarray")(nb::steal(PyMemoryView_FromObject(value.ptr()))); });
  }
  return view;
}

// Elements of a str, bytes or object array as bytes objects, which `strings` then borrows from.
BorrowedArray borrowStrings(nb::handle value, const TensorSpec& spec) {
  const nb::object array = nb::module_::import_("numpy").attr("asarray")(value);
  nb::list kept;
  BorrowedArray borrowed;
  for (nb::handle element : array.attr("ravel")().attr("tolist")()) {
    nb::object bytes = nb::borrow(element);
    if (PyUnicode_Check(element.ptr())) bytes = nb::steal(PyUnicode_AsUTF8String(element.ptr()));
    if (!bytes.is_valid()) nb::raise_python_error();
    if (!PyBytes_Check(bytes.ptr())) {
      reject("input", spec, describeArray(asArray(array)), "pass an array of str or bytes");
    }
    borrowed.strings.push_back(
        {PyBytes_AS_STRING(bytes.ptr()), static_cast<std::size_t>(PyBytes_GET_SIZE(bytes.ptr()))});
    kept.append(bytes);
  }
  borrowed.array = kept;
  borrowed.view = TensorView(static_cast<const void*>(borrowed.strings.data()), DType::kString,
                             shapeOf(asArray(array)));
  return borrowed;
}

// Writable if the array is.
TensorView viewOf(PyArrayObject* array, DType dtype) {
  return PyArray_ISWRITEABLE(array) != 0
             ? TensorView(PyArray_DATA(array), dtype, shapeOf(array))
             : TensorView(static_cast<const void*>(PyArray_DATA(array)), dtype, shapeOf(array));
}

TensorView viewOfPlain(PyArrayObject* array, const char* role, const TensorSpec& spec) {
  const DType dtype = dtypeFromNumpy(PyArray_TYPE(array));
  if (dtype == DType::kInvalid) {
    reject(role, spec, describeArray(array), std::string("cast to ") + name(spec.dtype));
  }
  if (shapeOf(array).size() > kMaxRank) {
    reject(role, spec, describeArray(array),
           "pass " + std::to_string(spec.shape.size()) + " dimensions");
  }
  return viewOf(array, dtype);
}

}  // namespace

void importNumpy() {
  if (PyArray_ImportNumPyAPI() < 0) nb::raise_python_error();
}

BorrowedArray borrowInput(nb::handle value, const TensorSpec& spec, bool copy) {
  if (spec.dtype == DType::kString) return borrowStrings(value, spec);
  nb::object array = nb::borrow(value);
  if (!PyArray_Check(value.ptr())) array = viewOf(value);
  if (copy && (array.is_none() || !isPlain(asArray(array)) ||
               dtypeFromNumpy(PyArray_TYPE(asArray(array))) != spec.dtype)) {
    array = converted(value, spec);
  }
  if (array.is_none()) {
    reject("input", spec, text(value.type().attr("__name__")),
           "pass a NumPy array or a CPU tensor, or copy=True");
  }
  PyArrayObject* plain = asArray(array);
  if (!isPlain(plain)) {
    const bool strided = PyArray_ISNOTSWAPPED(plain) != 0;
    reject("input", spec,
           std::string(strided ? "a non-contiguous " : "a byte-swapped ") + describeArray(plain),
           "pass np.ascontiguousarray(x) or copy=True");
  }
  return {array, viewOfPlain(plain, "input", spec), {}};
}

std::optional<TensorView> viewPlainArray(PyObject* value, DType dtype) noexcept {
  if (!PyArray_CheckExact(value)) return std::nullopt;
  auto* array = reinterpret_cast<PyArrayObject*>(value);
  if (!isPlain(array) || dtypeFromNumpy(PyArray_TYPE(array)) != dtype) return std::nullopt;
  if (shapeOf(array).size() > kMaxRank) return std::nullopt;
  return viewOf(array, dtype);
}

BorrowedArray borrowOutput(nb::handle value, const TensorSpec& spec) {
  if (!PyArray_Check(value.ptr())) {
    reject("output", spec, text(value.type().attr("__name__")), "pass a NumPy array");
  }
  PyArrayObject* array = asArray(value);
  if (!PyArray_ISCARRAY(array)) {
    reject("output", spec, "a read-only or non-contiguous " + describeArray(array),
           "pass a writable C-contiguous array");
  }
  return {nb::borrow(value), viewOfPlain(array, "output", spec), {}};
}

BorrowedArray newArray(DType dtype, Span<const int64_t> shape) {
  PyObject* array =
      PyArray_SimpleNew(static_cast<int>(shape.size()),
                        reinterpret_cast<const npy_intp*>(shape.data()), numpyFromDType(dtype));
  if (array == nullptr) nb::raise_python_error();
  void* memory = PyArray_DATA(reinterpret_cast<PyArrayObject*>(array));
  return {nb::steal(array), TensorView(memory, dtype, shape), {}};
}

KeptArray::KeptArray(const BorrowedArray& made)
    : array_(made.array),
      view_(made.view),
      dtype_(PyArray_DESCR(asArray(made.array))),
      flags_(PyArray_FLAGS(asArray(made.array))) {}

bool KeptArray::isFree() const noexcept {
  if (!array_.is_valid() || Py_REFCNT(array_.ptr()) != 1) return false;
  PyArrayObject* array = asArray(array_);
  const auto* weak = reinterpret_cast<PyObject* const*>(
      reinterpret_cast<const char*>(array_.ptr()) + Py_TYPE(array_.ptr())->tp_weaklistoffset);
  if (*weak != nullptr || PyArray_BASE(array) != nullptr) return false;
  if (PyArray_DATA(array) != view_.bytesData() || PyArray_DESCR(array) != dtype_) return false;
  const Span<const int64_t> shape = shapeOf(array);
  return PyArray_FLAGS(array) == flags_ && shape.size() == view_.rank() &&
         std::equal(shape.begin(), shape.end(), view_.shape().begin());
}

bool KeptArray::fits(DType dtype, Span<const int64_t> shape) const noexcept {
  return view_.dtype() == dtype && view_.rank() == shape.size() &&
         std::equal(shape.begin(), shape.end(), view_.shape().begin());
}

nb::object copiedArray(const Tensor& tensor) {
  if (tensor.dtype() != DType::kString) {
    BorrowedArray copy = newArray(tensor.dtype(), tensor.shape());
    if (tensor.bytes() != 0) {
      std::memcpy(copy.view.mutableData(), tensor.view().bytesData(), tensor.bytes());
    }
    return copy.array;
  }
  PyObject* array =
      PyArray_SimpleNew(static_cast<int>(tensor.shape().size()),
                        reinterpret_cast<const npy_intp*>(tensor.shape().data()), NPY_OBJECT);
  if (array == nullptr) nb::raise_python_error();
  nb::object owner = nb::steal(array);
  auto** elements = static_cast<PyObject**>(PyArray_DATA(asArray(owner)));
  const auto* strings = tensor.data<StringRef>();
  for (std::size_t i = 0; i < tensor.elements(); ++i) {
    Py_XSETREF(elements[i], PyBytes_FromStringAndSize(strings[i].data,
                                                      static_cast<Py_ssize_t>(strings[i].size)));
    if (elements[i] == nullptr) nb::raise_python_error();
  }
  return owner;
}

}  // namespace aios::python
