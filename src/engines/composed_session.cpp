#include "engines/composed_session.hpp"

#include <algorithm>
#include <cstring>
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

[[noreturn]] void throwNoRows(const TensorView& answer, int64_t rows) {
  throw Error(ErrorCode::kUnsupported, "the answer to a batch of " + std::to_string(rows) + " is " +
                                           describe(answer) +
                                           ", which can't be put together with others; use "
                                           "another engine");
}

// Tensors for the answers to a batch, of which `answers` are the first piece.
std::vector<Tensor> wholeOf(const std::vector<Tensor>& answers, int64_t piece, int64_t batch) {
  std::vector<Tensor> whole;
  for (const Tensor& answer : answers) {
    std::vector<int64_t> shape(answer.shape().begin(), answer.shape().end());
    if (shape.empty() || shape[0] != piece) throwNoRows(answer.view(), piece);
    shape[0] = batch;
    whole.emplace_back(answer.dtype(), shape);
  }
  return whole;
}

void putInto(const TensorView& whole, int64_t begin, const TensorView& answer, int64_t piece) {
  const TensorView rows = slice(whole, begin, piece);
  if (!std::equal(rows.shape().begin(), rows.shape().end(), answer.shape().begin(),
                  answer.shape().end())) {
    throwNoRows(answer, piece);
  }
  if (rows.bytes() != 0) std::memcpy(rows.mutableData(), answer.bytesData(), rows.bytes());
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

bool ComposedSession::hasPart(int64_t batch) const noexcept {
  return std::find(sizes_.begin(), sizes_.end(), batch) != sizes_.end();
}

std::vector<int64_t> ComposedSession::piecesOf(int64_t batch) const {
  if (hasPart(batch)) return {batch};
  std::vector<int64_t> pieces = composable_ ? composeBatch(batch, sizes_) : std::vector<int64_t>();
  if (!pieces.empty()) return pieces;
  throw Error(ErrorCode::kUnsupported,
              "this artifact has no graph for a batch of " + std::to_string(batch) +
                  ", and its batches may not be put together; use another engine");
}

Session& ComposedSession::partFor(int64_t batch) {
  const auto found = std::find(sizes_.begin(), sizes_.end(), batch);
  return *parts_[static_cast<std::size_t>(found - sizes_.begin())].session;
}

// Calls a part, and counts as staged what it stages.
template <typename Call>
void ComposedSession::counted(int64_t batch, Call call) {
  Session& part = partFor(batch);
  const std::uint64_t before = part.stagedBytes();
  call(part);
  staged_bytes_ += part.stagedBytes() - before;
}

void ComposedSession::run(Span<const TensorView> inputs, Span<TensorView> outputs) {
  const int64_t batch = inputs[0].dim(0);
  if (hasPart(batch)) {
    counted(batch, [&](Session& part) { part.run(inputs, outputs); });
    return;
  }
  int64_t begin = 0;
  for (const int64_t piece : piecesOf(batch)) {
    std::vector<TensorView> piece_outputs = sliceAll(outputs, begin, piece);
    const std::vector<TensorView> piece_inputs = sliceAll(inputs, begin, piece);
    counted(piece, [&](Session& part) { part.run(piece_inputs, piece_outputs); });
    begin += piece;
  }
}

std::vector<Tensor> ComposedSession::answer(Span<const TensorView> inputs) {
  const int64_t batch = inputs[0].dim(0);
  std::vector<Tensor> whole;
  int64_t begin = 0;
  for (const int64_t piece : piecesOf(batch)) {
    const std::vector<TensorView> piece_inputs = sliceAll(inputs, begin, piece);
    std::vector<Tensor> answers;
    counted(piece, [&](Session& part) { answers = part.answer(piece_inputs); });
    if (piece == batch) return answers;
    if (whole.empty()) whole = wholeOf(answers, piece, batch);
    for (std::size_t i = 0; i < answers.size(); ++i) {
      putInto(whole[i].view(), begin, answers[i].view(), piece);
    }
    begin += piece;
  }
  return whole;
}

}  // namespace aios::engines
