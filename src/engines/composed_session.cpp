#include "engines/composed_session.hpp"

#include <algorithm>
#include <utility>

#include "aios/error.hpp"

namespace aios::engines {
namespace {

TensorView slice(const TensorView& view, int64_t begin, int64_t size) {
  std::vector<int64_t> shape(view.shape().begin(), view.shape().end());
  const std::size_t row = view.bytes() / static_cast<std::size_t>(shape[0]);
  shape[0] = size;
  const auto offset = static_cast<std::size_t>(begin) * row;
  const Span<const int64_t> sliced(shape.data(), shape.size());
  if (view.writable()) {
    return {static_cast<void*>(static_cast<char*>(view.mutableData()) + offset), view.dtype(),
            sliced};
  }
  return {static_cast<const void*>(static_cast<const char*>(view.bytesData()) + offset),
          view.dtype(), sliced};
}

template <typename Views>
std::vector<TensorView> sliceAll(const Views& views, int64_t begin, int64_t size) {
  std::vector<TensorView> sliced;
  sliced.reserve(views.size());
  for (const TensorView& view : views) sliced.push_back(slice(view, begin, size));
  return sliced;
}

}  // namespace

std::vector<int64_t> composeBatch(int64_t batch, const std::vector<int64_t>& sizes_descending) {
  std::vector<int64_t> pieces;
  for (const int64_t size : sizes_descending) {
    for (; batch >= size; batch -= size) pieces.push_back(size);
  }
  if (batch != 0) pieces.clear();
  return pieces;
}

ComposedSession::ComposedSession(std::vector<Part> parts, bool composable)
    : parts_(std::move(parts)), composable_(composable) {
  std::sort(parts_.begin(), parts_.end(),
            [](const Part& a, const Part& b) { return a.batch > b.batch; });
  for (const Part& part : parts_) sizes_.push_back(part.batch);
}

Session& ComposedSession::partFor(int64_t batch) {
  const auto found = std::find(sizes_.begin(), sizes_.end(), batch);
  return *parts_[static_cast<std::size_t>(found - sizes_.begin())].session;
}

void ComposedSession::run(Span<const TensorView> inputs, Span<TensorView> outputs) {
  const int64_t batch = inputs[0].dim(0);
  if (std::find(sizes_.begin(), sizes_.end(), batch) != sizes_.end()) {
    partFor(batch).run(inputs, outputs);
    return;
  }
  const std::vector<int64_t> pieces =
      composable_ ? composeBatch(batch, sizes_) : std::vector<int64_t>();
  if (pieces.empty()) {
    throw Error(ErrorCode::kUnsupported,
                "this artifact has no graph for a batch of " + std::to_string(batch) +
                    ", and its batches may not be put together; use another engine");
  }
  int64_t begin = 0;
  for (const int64_t piece : pieces) {
    std::vector<TensorView> piece_outputs = sliceAll(outputs, begin, piece);
    partFor(piece).run(sliceAll(inputs, begin, piece), piece_outputs);
    begin += piece;
  }
}

}  // namespace aios::engines
