// A vendor's shared library, opened at run time and never closed.
#pragma once

#include <string>

namespace aios::engines {

struct EngineFacts;

class DynamicLibrary {
 public:
  // Opens the engine's library, the first of: `path`, the environment variable, the name on the
  // loader's path. Throws NotFound with the remedy, after the loader's words where a path was
  // given; Unsupported if the file is there all the same, or does harm (library_check.hpp).
  DynamicLibrary(const EngineFacts& engine, const std::string& path);

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
