#include "server/api/workspace.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "runtime/runner.hpp"

namespace aios::server::api {
namespace {

// What a small request may ask for, all outputs together.
constexpr std::size_t kMostOutputBytes = std::size_t{1} << 30;
// Rows without a single element cost the client nothing, and their answers memory.
constexpr int64_t kMostEmptyRows = 64;

void refuseEmptyRows(const std::vector<TensorView>& inputs, int64_t batch) {
  const auto is_empty = [](const TensorView& input) { return input.elements() == 0; };
  if (batch <= kMostEmptyRows || !std::all_of(inputs.begin(), inputs.end(), is_empty)) return;
  throw Error(ErrorCode::kInvalidArgument, "a batch of " + std::to_string(batch) +
                                               " samples without elements: expected at most " +
                                               std::to_string(kMostEmptyRows) +
                                               " of those at a time");
}

// The shape of an output, without its memory.
TensorView outputOf(const TensorSpec& spec, int64_t batch) {
  std::array<int64_t, kMaxRank> dims{};
  std::copy(spec.shape.begin(), spec.shape.end(), dims.begin());
  if (!spec.shape.empty() && dims[0] == kAnySize) dims[0] = batch;
  return {static_cast<void*>(nullptr), spec.dtype, {dims.data(), spec.shape.size()}};
}

void refuseLargeAnswer(const Signature& signature, int64_t batch) {
  std::size_t left = kMostOutputBytes;
  for (const TensorSpec& spec : signature.outputs) {
    const TensorView output = outputOf(spec, batch);
    if (output.bytes() > left) {
      throw Error(ErrorCode::kOverloaded,
                  "with output '" + spec.name + "', " + describe(output) +
                      ", the answer would be more than 1 GiB; send smaller batches");
    }
    left -= output.bytes();
  }
}

}  // namespace

void Workspace::start(const Signature& signature) {
  kept_.clear();
  const std::size_t count = signature.inputs.size();
  if (inputs_.size() < count) inputs_.resize(count);
  for (std::size_t i = 0; i < count; ++i) inputs_[i].start(signature.inputs[i].dtype);
  given_.assign(count, false);
  input_views_.resize(count);
  answers_.clear();
  output_views_.clear();
  endpoint_ = nullptr;
  signature_ = &signature;
  batch_ = 1;
  ran_from_ = ran_to_ = {};
}

void Workspace::setShape(std::size_t index, Span<const int64_t> shape) {
  input_views_[index] = inputs_[index].view(shape);
  given_[index] = true;
}

void Workspace::give(std::size_t index, const TensorView& elements) {
  input_views_[index] = elements;
  given_[index] = true;
}

void Workspace::check(const runtime::Endpoint& endpoint) {
  batch_ = checkInputs(endpoint.signature(), input_views_);
  refuseEmptyRows(input_views_, batch_);
  if (endpoint.outputShapesAreKnown()) refuseLargeAnswer(endpoint.signature(), batch_);
}

Span<const TensorView> Workspace::run(runtime::Endpoint& endpoint) {
  check(endpoint);
  if (endpoint.expectedUs(batch_) > longest_us_) throw TakesLonger();
  ran_from_ = Clock::now();
  if (batch_ == 0 || !endpoint.outputShapesAreKnown()) {
    answers_ = endpoint.infer(input_views_);
    output_views_ = runtime::viewsOf(answers_);
  } else {
    makeOutputs(endpoint.signature());
    endpoint.inferChecked(input_views_, output_views_, batch_);
  }
  ran_to_ = Clock::now();
  endpoint_ = &endpoint;
  return output_views_;
}

void Workspace::makeOutputs(const Signature& signature) {
  const std::size_t count = signature.outputs.size();
  if (outputs_.size() < count) outputs_.resize(count);
  output_views_.clear();
  for (std::size_t i = 0; i < count; ++i) {
    const TensorSpec& spec = signature.outputs[i];
    const TensorView wanted = outputOf(spec, batch_);
    outputs_[i].start(spec.dtype);
    output_views_.emplace_back(static_cast<void*>(outputs_[i].extend(wanted.bytes())), spec.dtype,
                               wanted.shape());
  }
}

}  // namespace aios::server::api
