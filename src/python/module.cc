#include <exception>
#include <filesystem>

#include "aios/error.hpp"
#include "bindings.hpp"
#include "gil.hpp"
#include "numpy_tensor.hpp"

namespace nb = nanobind;

namespace {

const char* exceptionName(aios::ErrorCode code) {
  switch (code) {
    case aios::ErrorCode::kInvalidArgument:
      return "InvalidArgumentError";
    case aios::ErrorCode::kDeadlineExceeded:
      return "DeadlineExceededError";
    case aios::ErrorCode::kNotFound:
      return "NotFoundError";
    case aios::ErrorCode::kOverloaded:
      return "OverloadedError";
    case aios::ErrorCode::kFailedPrecondition:
      return "FailedPreconditionError";
    case aios::ErrorCode::kUnsupported:
      return "UnsupportedError";
    case aios::ErrorCode::kUnavailable:
      return "UnavailableError";
    case aios::ErrorCode::kDataLoss:
      return "CorruptBundleError";
    case aios::ErrorCode::kInternal:
      break;
  }
  return "InternalError";
}

}  // namespace

void aios::python::setPythonError(const aios::Error& error) {
  const nb::object type = nb::module_::import_("aios.errors").attr(exceptionName(error.code()));
  // Names of files may be any bytes.
  const std::string message = error.what();
  const nb::object text = nb::steal(
      PyUnicode_DecodeUTF8(message.data(), static_cast<Py_ssize_t>(message.size()), "replace"));
  if (text.is_valid()) PyErr_SetObject(type.ptr(), text.ptr());
}

namespace {

void raiseInPython(const std::exception_ptr& caught, void* /*payload*/) {
  try {
    std::rethrow_exception(caught);
  } catch (const aios::Error& error) {
    aios::python::setPythonError(error);
  } catch (const std::filesystem::filesystem_error& error) {
    aios::python::setPythonError({aios::ErrorCode::kInternal, error.what()});
  }
}

}  // namespace

NB_MODULE(_core, module) {
  module.doc() = "The C++ core of AIOS Cells; use the classes of the package `aios` instead.";
  // Daemon threads keep what they hold at exit: nothing that a user could mend.
  nb::set_leak_warnings(false);
  nb::register_exception_translator(raiseInPython);
  aios::python::awaitCallsAtExit();
  aios::python::importNumpy();
  aios::python::bindSignature(module);
  aios::python::bindMetrics(module);
  aios::python::bindBundle(module);
  aios::python::bindStream(module);
  aios::python::bindCell(module);
  aios::python::bindEngines(module);
  aios::python::bindSubmissions(module);
  aios::python::bindThreads(module);
  aios::python::bindProtection(module);
  aios::python::bindSharedMemory(module);
  aios::python::bindServer(module);
}
