// Memory for answers whose size isn't known before the call.
#pragma once

#include <cstddef>
#include <vector>

namespace aios::engines::litert {

// Address space for each output of a signature, much more than an answer needs: LiteRT doesn't
// check, where it calculates a shape, that the answer fits the memory that it was given. The system
// gives memory only to what is written.
class OutputMemory {
 public:
  // Throws Unsupported where the process may not have so much address space.
  explicit OutputMemory(std::size_t outputs);
  ~OutputMemory();
  OutputMemory(const OutputMemory&) = delete;
  OutputMemory& operator=(const OutputMemory&) = delete;

  static constexpr std::size_t kBytes = std::size_t{1} << 30;
  // kBytes of it, page-aligned.
  void* at(std::size_t output) const noexcept { return begins_[output]; }

 private:
  void release() noexcept;
  std::vector<void*> begins_;
};

}  // namespace aios::engines::litert
