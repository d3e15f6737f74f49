// What an engine is doing, told to another process: where a vendor's library ends this one, that
// process says what it died of.
#pragma once

namespace aios::engines {

// Phases are written from now on, as text that ends with a zero byte, to the start of the file of
// this descriptor, which stays the caller's; -1: to nobody, as at first.
void reportPhases(int descriptor) noexcept;

// "opening", "reading" or "compiling" until the end of the scope; outside all scopes an engine is
// "answering". Costs next to nothing where nobody listens. One engine at a time is told of.
class Phase {
 public:
  explicit Phase(const char* name) noexcept;
  ~Phase();
  Phase(const Phase&) = delete;
  Phase& operator=(const Phase&) = delete;

 private:
  const char* before_;
};

}  // namespace aios::engines
