#include "engines/tensorflow/tensorflow_session.hpp"

#include <cstring>
#include <utility>

#include "aios/error.hpp"

namespace aios::engines::tensorflow {
namespace {

void keep(void* /*data*/, std::size_t /*bytes*/, void* /*argument*/) {}

}  // namespace

// Owns the tensors of one call.
class GraphSession::Tensors {
 public:
  explicit Tensors(const Api& api, std::size_t count = 0) : api_(api), tensors_(count) {}
  ~Tensors() { clear(); }
  Tensors(const Tensors&) = delete;
  Tensors& operator=(const Tensors&) = delete;

  void clear() {
    for (TfTensor*& tensor : tensors_) {
      if (tensor != nullptr) api_.deleteTensor(tensor);
      tensor = nullptr;
    }
  }
  void push(TfTensor* tensor) { tensors_.push_back(tensor); }
  TfTensor* const* data() const { return tensors_.data(); }
  TfTensor** data() { return tensors_.data(); }
  std::size_t size() const { return tensors_.size(); }
  TfTensor* operator[](std::size_t i) const { return tensors_[i]; }

 private:
  const Api& api_;
  std::vector<TfTensor*> tensors_;
};

GraphSession::GraphSession(const Api& api, SessionBinding binding,
                           std::function<SessionBinding()> fallback)
    : api_(api), binding_(std::move(binding)), fallback_(std::move(fallback)) {}

// TensorFlow borrows memory that is aligned as it wants, and copies the rest itself.
TfTensor* GraphSession::feed(const TensorView& input) {
  if (input.dtype() == DType::kString) return feedStrings(input);
  if (reinterpret_cast<std::uintptr_t>(input.bytesData()) % kTensorAlignment != 0) {
    staged_bytes_ += input.bytes();
  }
  return api_.newTensor(tfTypeOf(input.dtype()), input.shape().data(),
                        static_cast<int>(input.rank()), const_cast<void*>(input.bytesData()),
                        input.bytes(), keep, nullptr);
}

TfTensor* GraphSession::feedStrings(const TensorView& input) {
  TfTensor* tensor =
      api_.allocateTensor(kTfString, input.shape().data(), static_cast<int>(input.rank()),
                          input.elements() * sizeof(TfString));
  auto* target = static_cast<TfString*>(api_.tensorData(tensor));
  const auto* source = input.data<StringRef>();
  for (std::size_t i = 0; i < input.elements(); ++i) {
    api_.stringInit(target + i);
    api_.stringCopy(target + i, source[i].data, source[i].size);
    staged_bytes_ += source[i].size;
  }
  return tensor;
}

void GraphSession::runOnce(const Tensors& feeds, Tensors& results) {
  const Status status(api_);
  api_.run(binding_.session, nullptr, binding_.inputs.data(), feeds.data(),
           static_cast<int>(feeds.size()), binding_.outputs.data(), results.data(),
           static_cast<int>(results.size()), nullptr, 0, nullptr, status.get());
  status.check("run the model");
}

void GraphSession::runInto(Span<const TensorView> inputs, Tensors& results) {
  Tensors feeds(api_);
  for (const TensorView& input : inputs) feeds.push(feed(input));
  if (proven_) {
    runOnce(feeds, results);
    return;
  }
  try {
    runOnce(feeds, results);
  } catch (const Error&) {
    // The single-threaded executor refuses graphs with control flow that the default one runs.
    results.clear();
    SessionBinding first = std::exchange(binding_, fallback_());
    try {
      runOnce(feeds, results);
    } catch (...) {
      binding_ = std::move(first);
      throw;
    }
  }
  proven_ = true;
}

TensorView GraphSession::viewOf(TfTensor* tensor, std::vector<StringRef>& strings) const {
  std::vector<int64_t> shape(static_cast<std::size_t>(api_.numDims(tensor)));
  for (std::size_t i = 0; i < shape.size(); ++i) shape[i] = api_.dim(tensor, static_cast<int>(i));
  const DType dtype = dtypeFromTfType(api_.tensorType(tensor));
  const void* data = api_.tensorData(tensor);
  if (dtype != DType::kString) return {data, dtype, Span<const int64_t>(shape)};
  const TensorView counted(data, dtype, Span<const int64_t>(shape));
  const auto* source = static_cast<const TfString*>(data);
  for (std::size_t i = 0; i < counted.elements(); ++i) {
    strings.push_back({api_.stringData(source + i), api_.stringSize(source + i)});
  }
  return {static_cast<const void*>(strings.data()), dtype, Span<const int64_t>(shape)};
}

void GraphSession::run(Span<const TensorView> inputs, Span<TensorView> outputs) {
  Tensors results(api_, binding_.outputs.size());
  runInto(inputs, results);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    std::vector<StringRef> strings;
    const TensorView answer = viewOf(results[i], strings);
    requireSameShape(answer, outputs[i], i);
    if (answer.dtype() == DType::kString) {
      throw Error(ErrorCode::kInvalidArgument,
                  "output " + std::to_string(i) +
                      " holds strings, whose memory only the cell can give: call inference "
                      "without outputs of your own");
    }
    if (answer.bytes() != 0) {
      std::memcpy(outputs[i].mutableData(), answer.bytesData(), answer.bytes());
    }
    staged_bytes_ += answer.bytes();
  }
}

std::vector<Tensor> GraphSession::answer(Span<const TensorView> inputs) {
  Tensors results(api_, binding_.outputs.size());
  runInto(inputs, results);
  std::vector<Tensor> answers;
  for (std::size_t i = 0; i < results.size(); ++i) {
    std::vector<StringRef> strings;
    answers.push_back(Tensor::copyOf(viewOf(results[i], strings)));
    staged_bytes_ += answers.back().bytes();
  }
  return answers;
}

}  // namespace aios::engines::tensorflow
