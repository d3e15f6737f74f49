#include "engines/dynamic_library.hpp"

#include <dlfcn.h>
#include <unistd.h>

#include <cstdlib>

#include "aios/error.hpp"
#include "engines/engine_table.hpp"
#include "engines/library_check.hpp"

namespace aios::engines {
namespace {

std::string remedyOf(const EngineFacts& engine) {
  const std::string name = engine.name;
  return "engine '" + name + "' not installed: pip install aios-cells[" + name + "], or set " +
         engine.library.variable + " to the wheel's " + engine.library.package + "/" +
         engine.library.file;
}

}  // namespace

DynamicLibrary::DynamicLibrary(const EngineFacts& engine, const std::string& path) {
  const VendorLibrary& vendor = engine.library;
  const char* from_environment = std::getenv(vendor.variable);
  bool is_asked_for = true;
  if (!path.empty()) {
    path_ = path;
  } else if (from_environment != nullptr && *from_environment != '\0') {
    path_ = from_environment;
  } else {
    path_ = vendor.soname;
    is_asked_for = false;
  }
  requireHarmless(engine.name, vendor.vendor, path_);
  // Local, so that the vendor's symbols meet nobody else's in this process.
  library_ = ::dlopen(path_.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library_ == nullptr) {
    const char* error = ::dlerror();
    const std::string reason = error != nullptr ? error : "no reason given";
    // The loader begins with the library that it lacks, which may be another one that this needs.
    if (!is_asked_for && reason.rfind(path_ + ":", 0) == 0) {
      throw Error(ErrorCode::kNotFound, remedyOf(engine));
    }
    // One that is there but no library for this machine isn't missing.
    const bool there = ::access(path_.c_str(), F_OK) == 0;
    throw Error(
        there ? ErrorCode::kUnsupported : ErrorCode::kNotFound,
        "engine library '" + path_ + "' can't be opened (" + reason + "); " + remedyOf(engine));
  }
}

void* DynamicLibrary::find(const char* symbol) const noexcept { return ::dlsym(library_, symbol); }

void* DynamicLibrary::require(const char* symbol) const {
  void* address = find(symbol);
  if (address == nullptr) {
    throw Error(ErrorCode::kUnsupported, "engine library '" + path_ + "' has no symbol '" + symbol +
                                             "'; install a version that docs/concepts/engines.md "
                                             "names as tested");
  }
  return address;
}

}  // namespace aios::engines
