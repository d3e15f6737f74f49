// A compiled artifact's code, opened: model.so.
#pragma once

#include <memory>
#include <string>

#include "aios/compiled_model.h"
#include "bundle/file_content.hpp"

namespace aios::engines::compiled {

// Runs from a sealed copy in memory where the system has those, so that it stays the code that was
// checked, whatever becomes of the file; else from the file.
class CodeLibrary {
 public:
  // One object for each code: libraries of one content are the same. Throws DataLoss if the file
  // can't be read, Unsupported if it can't be opened as a library.
  static std::shared_ptr<const CodeLibrary> open(const bundle::Directory& directory,
                                                 const std::string& file);
  CodeLibrary(const bundle::Directory& directory, const std::string& file,
              const bundle::FileContent& content);
  ~CodeLibrary();
  CodeLibrary(const CodeLibrary&) = delete;
  CodeLibrary& operator=(const CodeLibrary&) = delete;

  // Null if it has none.
  const aios_compiled_model* descriptor() const noexcept;

 private:
  Descriptor descriptor_;
  std::string name_;
  void* handle_ = nullptr;
};

}  // namespace aios::engines::compiled
