// Result arrays that are handed out again once nobody holds them: NumPy's own allocation of a small
// array takes longer than a small model.
#pragma once

#include <nanobind/nanobind.h>

#include <array>
#include <utility>

#include "aios/signature.hpp"
#include "numpy_tensor.hpp"

namespace aios::python {

// Used under the GIL only. Keeps a few small arrays; larger ones are made anew each time.
class RecycledResults {
 public:
  // An array of the output's dtype and shape, with undefined elements, that nobody else refers to:
  // not by name, view, buffer, DLPack capsule or weak reference. `dropped` takes the one that it
  // is kept instead of: its end may call back into Python, and so into this cell.
  BorrowedArray take(const TensorSpec& spec, int64_t batch, nanobind::object& dropped);

  void clear() noexcept { const std::array<KeptArray, 2> dropped = std::exchange(kept_, {}); }

 private:
  // One that the caller still holds while it makes the next call, and one for that call.
  std::array<KeptArray, 2> kept_;
  std::size_t next_ = 0;
};

}  // namespace aios::python
