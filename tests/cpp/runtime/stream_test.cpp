#include "runtime/stream.hpp"

#include <array>
#include <utility>
#include <vector>

#include "expect_error.hpp"
#include "forked.hpp"
#include "scarce_memory.hpp"
#include "tiny_stream.hpp"

namespace aios {
namespace {

using Floats = std::vector<float>;

class Streams : public testing::Test {
 protected:
  Streams() { cell_.loadModel(bundle_.path().string()); }

  // The answers to a block of frames of `batch` streams.
  static Floats stepped(Stream& stream, Floats frames, int64_t batch) {
    Floats answers(frames.size());
    const int64_t count = static_cast<int64_t>(frames.size()) / 2 / batch;
    const std::array<TensorView, 1> x = {TensorView::of(frames.data(), {batch, count, 2})};
    std::array<TensorView, 1> y = {TensorView::of(answers.data(), {batch, count, 2})};
    stream.step(x, y);
    return answers;
  }

  TinyStream bundle_;
  TensorFlowPerformanceCell cell_;
};

TEST_F(Streams, KeepTheirStateFromFrameToFrame) {
  Stream stream = cell_.stream();
  EXPECT_EQ(stepped(stream, {1, 10, 2, 20, 3, 30}, 1), (Floats{1, 10, 3, 30, 6, 60}));
  EXPECT_EQ(stepped(stream, {1, 1}, 1), (Floats{7, 61}));
  stream.reset();
  EXPECT_EQ(stepped(stream, {1, 1}, 1), (Floats{1, 1}));
}

TEST_F(Streams, TakeSingleFramesWithoutATimeAxis) {
  Stream stream = cell_.stream(2);
  Floats frames = {1, 2, 3, 4};
  Floats answers(4);
  const std::array<TensorView, 1> x = {TensorView::of(frames.data(), {2, 2})};
  std::array<TensorView, 1> y = {TensorView::of(answers.data(), {2, 2})};
  stream.step(x, y);
  stream.step(x, y);
  EXPECT_EQ(answers, (Floats{2, 4, 6, 8}));
}

TEST_F(Streams, AllocateNothingInAStep) {
  if (!canMakeMemoryScarce()) GTEST_SKIP() << "sanitizers bring operators new of their own";
  Stream stream = cell_.stream(2);
  Floats frames(24), answers(24);
  const std::array<TensorView, 1> x = {TensorView::of(frames.data(), {2, 6, 2})};
  std::array<TensorView, 1> y = {TensorView::of(answers.data(), {2, 6, 2})};
  failNextAllocation();
  EXPECT_NO_THROW(stream.step(x, y));
  EXPECT_FALSE(allocationFailed());
}

TEST_F(Streams, OfABatchGoOnTogetherAndKeepApart) {
  Stream stream = cell_.stream(2);
  EXPECT_EQ(stepped(stream, {1, 0, 2, 0, 0, 5, 0, 6}, 2), (Floats{1, 0, 3, 0, 0, 5, 0, 11}));
}

TEST_F(Streams, GoOnFromASavedState) {
  Stream stream = cell_.stream();
  stepped(stream, {1, 2}, 1);
  const std::vector<Tensor> saved = stream.save();
  stepped(stream, {5, 5}, 1);
  Stream other = cell_.stream();
  const std::array<TensorView, 1> state = {saved[0].view()};
  other.restore(state);
  EXPECT_EQ(stepped(other, {1, 1}, 1), (Floats{2, 3}));
}

TEST_F(Streams, RefuseStatesOfAnotherBatchAndKeepTheirOwn) {
  Stream stream = cell_.stream();
  stepped(stream, {1, 2}, 1);
  const Floats zeros(4);
  const std::array<TensorView, 1> state = {TensorView::of(zeros.data(), {2, 2})};
  EXPECT_AIOS_ERROR(stream.restore(state), kInvalidArgument, "state 'before'");
  EXPECT_EQ(stepped(stream, {1, 1}, 1), (Floats{2, 3}));
}

TEST_F(Streams, RefuseFramesThatDontFitAndKeepTheirState) {
  Stream stream = cell_.stream();
  stepped(stream, {1, 2}, 1);
  Floats values(8);
  const std::array<TensorView, 1> wide = {TensorView::of(values.data(), {1, 4})};
  const std::array<TensorView, 1> block = {TensorView::of(values.data(), {1, 2, 2})};
  std::array<TensorView, 1> frame = {TensorView::of(values.data(), {1, 2})};
  EXPECT_AIOS_ERROR(stream.step(wide, frame), kInvalidArgument,
                    "input 'x': expected one frame float32[1,2] or a block of frames "
                    "float32[1,-1,2], got float32[1,4]");
  EXPECT_AIOS_ERROR(stream.step(block, frame), kInvalidArgument, "output 'y'");
  EXPECT_AIOS_ERROR(stream.step({}, frame), kInvalidArgument, "expected 1 inputs, got 0");
  EXPECT_EQ(stepped(stream, {1, 1}, 1), (Floats{2, 3}));
}

TEST_F(Streams, TellWhatAStepTakesAndGives) {
  const Stream stream = cell_.stream(3);
  ASSERT_EQ(stream.signature().inputs.size(), 1U);
  EXPECT_EQ(describe(stream.signature().inputs[0]), "float32[3,-1,2]");
  EXPECT_EQ(describe(stream.signature().outputs[0]), "float32[3,-1,2]");
}

TEST_F(Streams, KeepTheirModelWhenTheCellIsClosed) {
  Stream stream = cell_.stream();
  cell_.close();
  EXPECT_EQ(stepped(stream, {1, 2}, 1), (Floats{1, 2}));
}

TEST_F(Streams, ThatWereMovedFromAreRefused) {
  Stream stream = cell_.stream();
  Stream taken = std::move(stream);
  EXPECT_AIOS_ERROR(stream.reset(), kInvalidArgument, "the stream was moved from");
  taken.reset();
}

TEST_F(Streams, AreRefusedInAForkedChild) {
  Stream stream = cell_.stream();
  const auto code = [&] {
    try {
      stepped(stream, {1, 2}, 1);
    } catch (const Error& error) {
      return static_cast<int>(error.code());
    }
    return 0;
  };
  EXPECT_EQ(inForkedChild(code), static_cast<int>(ErrorCode::kFailedPrecondition));
}

TEST_F(Streams, NeedABatchOfOneOrMore) {
  EXPECT_AIOS_ERROR(cell_.stream(0), kInvalidArgument, "batch: expected 1 stream or more, got 0");
}

TEST_F(Streams, ThatABundleHasNotSayWhy) {
  nlohmann::json manifest = bundle_.manifest();
  manifest["stream"]["verdict"] = "declined";
  manifest["stream"]["reason"] = "layer 'both' (Bidirectional)";
  bundle_.bundle().publish(manifest);
  cell_.loadModel(bundle_.path().string());
  EXPECT_AIOS_ERROR(cell_.stream(), kUnsupported, "it can't be one: layer 'both' (Bidirectional)");
  manifest["stream"] = nullptr;
  bundle_.bundle().publish(manifest);
  cell_.loadModel(bundle_.path().string());
  EXPECT_AIOS_ERROR(cell_.stream(), kUnsupported, "export it with stream=True");
}

TEST_F(Streams, OfAStepThatIsntThePublishedOneAreRefused) {
  const TinyBundle other;
  const std::string text = other.manifest().dump();
  bundle_.bundle().write("stream/manifest.json", text);
  bundle_.bundle().write("stream/manifest.sha256",
                         bundle::sha256Hex(text.data(), text.size()) + "\n");
  bundle_.bundle().write("stream/c/model.so", other.read("c/model.so"));
  bundle_.bundle().write("stream/c/weights.bin", other.read("c/weights.bin"));
  bundle_.bundle().write("stream/golden.safetensors", other.read("golden.safetensors"));
  EXPECT_AIOS_ERROR(cell_.stream(), kDataLoss, "'stream/manifest.json'");
}

}  // namespace
}  // namespace aios
