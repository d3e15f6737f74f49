#include "engines/openvino/openvino_graph.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <system_error>
#include <utility>

#include "aios/error.hpp"
#include "engines/openvino/openvino_session.hpp"
#include "engines/phase.hpp"

namespace aios::engines::openvino {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

// Shapes whose fastest configuration is remembered.
constexpr std::size_t kMaxEntries = 64;
// A graph's compiled models may take about this much together before sessions share them.
constexpr uint64_t kOwnModelsBytes = uint64_t{256} << 20;
// What a configuration may gain for one thread is the 2 us of entering TBB's arena: calls that
// take longer aren't worth a second compilation.
constexpr auto kNotWorthMeasuring = std::chrono::microseconds(500);
constexpr auto kMeasuringTime = std::chrono::milliseconds(5);
constexpr int kMeasuredRounds = 40;

std::string hintOf(const std::string& precision) {
  if (precision == "float32") return "f32";
  if (precision == "bfloat16") return "bf16";
  throw Error(ErrorCode::kUnsupported,
              "engine 'openvino': expected the precision float32 or "
              "bfloat16, got '" +
                  precision + "'; use another engine");
}

uint64_t bytesOf(const fs::path& path) {
  std::error_code ignored;
  if (!fs::is_directory(path, ignored)) return fs::file_size(path, ignored);
  uint64_t bytes = 0;
  for (const auto& entry : fs::recursive_directory_iterator(path, ignored)) {
    if (entry.is_regular_file(ignored)) bytes += entry.file_size(ignored);
  }
  return bytes;
}

const std::string& nameIn(const std::map<std::string, std::string>& names, const TensorSpec& spec) {
  const auto found = names.find(spec.name);
  return found == names.end() ? spec.name : found->second;
}

using PortOwner = std::unique_ptr<Port, void (*)(Port*)>;
using FindPort = Status (*)(const OvModel*, const char*, Port**);

PortOwner portNamed(const Api& api, const OvModel* model, FindPort find, const std::string& name) {
  Port* port = nullptr;
  check(api, find(model, name.c_str(), &port),
        "find the tensor '" + name + "' of the manifest; export the bundle again",
        ErrorCode::kDataLoss);
  return {port, api.freePort};
}

// A name that no port of another tensor has.
std::string tensorNameOf(const Api& api, const Port* port) {
  char* text = nullptr;
  check(api, api.portAnyName(port, &text), "read the name of a tensor");
  const std::string name = text;
  api.freeText(text);
  return name;
}

[[noreturn]] void throwShared(const std::string& first, const std::string& second) {
  throw Error(ErrorCode::kUnsupported,
              "engine 'openvino': '" + first + "' and '" + second +
                  "' are the same tensor of the graph, and OpenVINO takes the one for the other; "
                  "export the bundle again, or use another engine");
}

// The port's dimensions; empty for one of unknown rank.
std::vector<Dimension> dimensionsOf(const Api& api, const Port* port) {
  PartialShape shape{};
  check(api, api.portPartialShape(port, &shape), "read the shape of a tensor");
  std::vector<Dimension> dims;
  if (shape.dims != nullptr) dims.assign(shape.dims, shape.dims + shape.rank.max);
  api.freePartialShape(&shape);
  return dims;
}

double secondsOf(ShapedRequest& request) {
  const auto begin = Clock::now();
  request.infer();
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

double median(std::vector<double>& times) {
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::nth_element(times.begin(), middle, times.end());
  return *middle;
}

}  // namespace

struct GraphFile::ShapeEntry {
  Shapes shapes;
  bool decided = false;
  bool exclusive = false;
  std::vector<std::weak_ptr<const CompiledGraph>> compiled;
};

Shapes shapesOf(Span<const TensorView> views) {
  Shapes shapes;
  for (const TensorView& view : views) {
    shapes.emplace_back(view.shape().begin(), view.shape().end());
  }
  return shapes;
}

GraphFile::GraphFile(const Runtime& runtime, SharedCore core, const fs::path& path,
                     const std::string& precision, int threads)
    : runtime_(runtime),
      core_(std::move(core)),
      precision_(hintOf(precision)),
      threads_(threads),
      bytes_(bytesOf(path)) {
  const Phase phase("reading");
  check(runtime.api, runtime.api.readModel(core_.get(), path.c_str(), nullptr, &model_),
        "read '" + path.string() + "'", ErrorCode::kUnsupported);
}

GraphFile::~GraphFile() { runtime_.api.freeModel(model_); }

GraphBinding GraphFile::bindingOf(const Signature& signature, const bundle::Graph& graph) const {
  const Api& api = runtime_.api;
  GraphBinding binding;
  std::map<std::string, std::string> bound;  // tensors of the signature by those of the graph
  const auto bind = [&](const TensorSpec& spec, const std::string& name, FindPort find) {
    const PortOwner port = portNamed(api, model_, find, name);
    const auto [known, is_new] = bound.emplace(tensorNameOf(api, port.get()), spec.name);
    if (!is_new) throwShared(known->second, spec.name);
    uint32_t code = 0;
    check(api, api.portElementType(port.get(), &code), "read the type of a tensor");
    if (code == runtime_.codeOf(spec.dtype)) return name;
    throw Error(ErrorCode::kDataLoss, "the graph's tensor '" + name + "' isn't the manifest's " +
                                          describe(spec) + "; export the bundle again");
  };
  for (const TensorSpec& spec : signature.inputs) {
    binding.inputs.push_back(bind(spec, nameIn(graph.inputs, spec), api.inputByName));
  }
  for (const TensorSpec& spec : signature.outputs) {
    binding.outputs.push_back(bind(spec, nameIn(graph.outputs, spec), api.outputByName));
    binding.output_dtypes.push_back(spec.dtype);
  }
  std::size_t inputs = 0;
  check(api, api.inputsSize(model_, &inputs), "count inputs");
  if (inputs == signature.inputs.size()) return binding;
  throw Error(ErrorCode::kDataLoss, "signature '" + signature.name + "': expected a graph with " +
                                        std::to_string(signature.inputs.size()) +
                                        " inputs, got one with " + std::to_string(inputs) +
                                        "; export the bundle again");
}

GraphFile::ShapeEntry& GraphFile::entryOf(const Shapes& shapes) {
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const auto& entry) { return entry->shapes == shapes; });
  if (found == entries_.end()) {
    if (entries_.size() == kMaxEntries) entries_.pop_back();
    auto entry = std::make_unique<ShapeEntry>();
    entry->shapes = shapes;
    entries_.insert(entries_.begin(), std::move(entry));
  } else {
    std::rotate(entries_.begin(), found, found + 1);
  }
  return *entries_.front();
}

// Requests of one compiled model wait for one another, so each session has its own while the
// weights, of which each holds a packed copy, are small.
std::shared_ptr<const CompiledGraph> GraphFile::sharedIfLarge(const ShapeEntry& entry) const {
  std::size_t live = 0;
  for (const auto& other : entries_) {
    for (const auto& compiled : other->compiled) live += compiled.expired() ? 0 : 1;
  }
  if ((live + 1) * bytes_ <= kOwnModelsBytes) return nullptr;
  std::shared_ptr<const CompiledGraph> least_used;
  for (const auto& compiled : entry.compiled) {
    auto candidate = compiled.lock();
    if (candidate && (!least_used || candidate.use_count() < least_used.use_count())) {
      least_used = std::move(candidate);
    }
  }
  return least_used;
}

std::shared_ptr<const CompiledGraph> GraphFile::compiledFor(const GraphBinding& binding,
                                                            Span<const TensorView> inputs) {
  // Reshaping changes the model that all shapes are compiled from.
  const std::lock_guard<std::mutex> lock(mutex_);
  ShapeEntry& entry = entryOf(shapesOf(inputs));
  if (auto shared = sharedIfLarge(entry)) return shared;
  reshape(binding, entry.shapes);
  std::shared_ptr<const CompiledGraph> compiled =
      entry.decided ? compile(entry.exclusive) : fastest(entry, binding, inputs);
  auto& known = entry.compiled;
  known.erase(
      std::remove_if(known.begin(), known.end(), [](const auto& weak) { return weak.expired(); }),
      known.end());
  known.push_back(compiled);
  return compiled;
}

// Exclusive requests skip TBB's arena, and with it the limit on threads: they are used only where
// the process-wide width of the pool keeps the limit.
std::shared_ptr<const CompiledGraph> GraphFile::fastest(ShapeEntry& entry,
                                                        const GraphBinding& binding,
                                                        Span<const TensorView> inputs) const {
  entry.decided = true;
  entry.exclusive = runtime_.pool_width != 0 && runtime_.pool_width <= threads_;
  std::shared_ptr<const CompiledGraph> first = compile(entry.exclusive);
  if (!entry.exclusive) return first;
  ShapedRequest first_request(first, binding, inputs);
  first_request.bindInputs(inputs);
  first_request.infer();
  if (threads_ == 1 &&
      secondsOf(first_request) > std::chrono::duration<double>(kNotWorthMeasuring).count()) {
    return first;
  }
  std::shared_ptr<const CompiledGraph> second = compile(/*exclusive=*/false);
  ShapedRequest second_request(second, binding, inputs);
  second_request.bindInputs(inputs);
  second_request.infer();
  std::vector<double> first_times;
  std::vector<double> second_times;
  const auto deadline = Clock::now() + kMeasuringTime;
  for (int i = 0; i < kMeasuredRounds && (i < 3 || Clock::now() < deadline); ++i) {
    first_times.push_back(secondsOf(first_request));
    second_times.push_back(secondsOf(second_request));
  }
  entry.exclusive = median(first_times) <= median(second_times);
  return entry.exclusive ? first : second;
}

void GraphFile::reshape(const GraphBinding& binding, const Shapes& shapes) const {
  const Api& api = runtime_.api;
  bool changes = false;
  std::vector<const char*> names;
  std::vector<std::vector<Dimension>> dims(shapes.size());
  std::vector<PartialShape> partial;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    const PortOwner port = portNamed(api, model_, api.inputByName, binding.inputs[i]);
    const std::vector<Dimension> now = dimensionsOf(api, port.get());
    for (const int64_t size : shapes[i]) dims[i].push_back({size, size});
    changes = changes || !std::equal(now.begin(), now.end(), dims[i].begin(), dims[i].end(),
                                     [](const Dimension& a, const Dimension& b) {
                                       return a.min == b.min && a.max == b.max;
                                     });
    const auto rank = static_cast<int64_t>(shapes[i].size());
    names.push_back(binding.inputs[i].c_str());
    partial.push_back({{rank, rank}, dims[i].data()});
  }
  if (!changes) return;
  check(api, api.reshape(model_, names.data(), partial.data(), names.size()),
        "give the graph the shapes of the inputs", ErrorCode::kUnsupported);
}

std::unique_ptr<CompiledGraph> GraphFile::compile(bool exclusive) const {
  const Phase phase("compiling");
  const Api& api = runtime_.api;
  const std::string threads = std::to_string(threads_);
  CompiledModel* compiled = nullptr;
  // Without pinning off, OpenVINO moves callers' threads to the same core. Without a precision, it
  // runs bfloat16 where the CPU can.
  constexpr std::size_t kArguments = 10;
  check(api,
        api.compile(core_.get(), model_, "CPU", kArguments, &compiled, "PERFORMANCE_HINT",
                    "LATENCY", "INFERENCE_PRECISION_HINT", precision_.c_str(),
                    "INFERENCE_NUM_THREADS", threads.c_str(), "ENABLE_CPU_PINNING", "NO",
                    "EXCLUSIVE_ASYNC_REQUESTS", exclusive ? "YES" : "NO"),
        "compile the model", ErrorCode::kUnsupported);
  auto owner = std::make_unique<CompiledGraph>(runtime_, core_, compiled);
  char* precision = nullptr;
  check(api, api.getProperty(compiled, "INFERENCE_PRECISION_HINT", &precision),
        "read the precision that it runs in");
  const std::string got = precision;
  api.freeText(precision);
  if (got == precision_) return owner;
  throw Error(ErrorCode::kUnsupported, "engine 'openvino': expected the precision " + precision_ +
                                           ", this CPU or version runs " + got +
                                           "; use another engine");
}

}  // namespace aios::engines::openvino
