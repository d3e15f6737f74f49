#include "recycled_results.hpp"

#include <algorithm>

namespace aios::python {
namespace {

constexpr std::size_t kSmallBytes = 64 * 1024;

}  // namespace

BorrowedArray RecycledResults::take(const TensorSpec& spec, int64_t batch,
                                    [[maybe_unused]] KeptArray& dropped) {
  std::array<int64_t, kMaxRank> sizes{};
  std::copy(spec.shape.begin(), spec.shape.end(), sizes.begin());
  if (!spec.shape.empty() && sizes[0] == kAnySize) sizes[0] = batch;
  const Span<const int64_t> shape(sizes.data(), spec.shape.size());
#if !defined(Py_GIL_DISABLED)
  for (KeptArray& kept : kept_) {
    if (kept.isFree() && kept.fits(spec.dtype, shape)) return {kept.array(), kept.view(), {}};
  }
  BorrowedArray made = newArray(spec.dtype, shape);
  if (made.view.bytes() <= kSmallBytes) {
    dropped = std::exchange(kept_[next_], KeptArray(made));
    next_ = (next_ + 1) % kept_.size();
  }
  return made;
#else
  return newArray(spec.dtype, shape);
#endif
}

}  // namespace aios::python
