#include "recycled_results.hpp"

namespace aios::python {
namespace {

constexpr std::size_t kSmallBytes = 64 * 1024;

}  // namespace

BorrowedArray RecycledResults::take(const TensorSpec& spec, int64_t batch,
                                    [[maybe_unused]] nanobind::object& dropped) {
  std::array<int64_t, kMaxRank> sizes{};
  for (std::size_t i = 0; i < spec.shape.size(); ++i) sizes[i] = spec.shape[i];
  if (!spec.shape.empty() && sizes[0] == kAnySize) sizes[0] = batch;
  const Span<const int64_t> shape(sizes.data(), spec.shape.size());
#if !defined(Py_GIL_DISABLED)
  for (KeptArray& kept : kept_) {
    if (kept.isFree() && kept.fits(spec.dtype, shape)) return {kept.array(), kept.view(), {}};
  }
  BorrowedArray made = newArray(spec.dtype, shape);
  if (made.view.bytes() <= kSmallBytes) {
    dropped = kept_[next_].release();
    kept_[next_] = KeptArray(made);
    next_ = (next_ + 1) % kept_.size();
  }
  return made;
#else
  return newArray(spec.dtype, shape);
#endif
}

}  // namespace aios::python
