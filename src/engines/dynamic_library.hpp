// A vendor's shared library, opened at run time and never closed.
#pragma once

#include <string>

namespace aios::engines {

class DynamicLibrary {
 public:
  // Opens the first of: `path`, the environment variable, the name on the loader's path. Throws
  // NotFound with the loader's words and `remedy`; Unsupported if the file is there all the same.
  DynamicLibrary(const std::string& path, const char* environment_variable, const char* soname,
                 const char* remedy);

  // Null if the library has no such symbol.
  void* find(const char* symbol) const noexcept;

  // Throws Unsupported, naming the symbol, if the library has no such symbol.
  template <typename Function>
  void bind(Function*& slot, const char* symbol) const {
    slot = reinterpret_cast<Function*>(require(symbol));
  }

  const std::string& path() const noexcept { return path_; }

 private:
  void* require(const char* symbol) const;

  void* library_ = nullptr;
  std::string path_;
};

}  // namespace aios::engines
