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
  PyErr_SetString(type.ptr(), error.what());
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
  aios::python::bindCell(module);
  aios::python::bindThreads(module);
}
