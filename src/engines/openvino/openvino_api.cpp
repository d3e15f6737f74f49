#include "engines/openvino/openvino_api.hpp"

#include <dlfcn.h>
#include <sched.h>

#include <memory>
#include <mutex>
#include <sstream>
#include <utility>

#include "core/dtype_codes.hpp"
#include "core/fork.hpp"
#include "engines/engine_table.hpp"
#include "engines/one_process.hpp"

namespace aios::engines::openvino {
namespace {

// OpenVINO's names of element types in its IR format, which is documented and versioned; the codes
// of its C enum aren't.
constexpr auto kIrTypes = dtypeCodes<const char*>({{DType::kFloat16, "f16"},
                                                   {DType::kBFloat16, "bf16"},
                                                   {DType::kFloat32, "f32"},
                                                   {DType::kFloat64, "f64"},
                                                   {DType::kInt8, "i8"},
                                                   {DType::kInt16, "i16"},
                                                   {DType::kInt32, "i32"},
                                                   {DType::kInt64, "i64"},
                                                   {DType::kUInt8, "u8"},
                                                   {DType::kUInt16, "u16"},
                                                   {DType::kUInt32, "u32"},
                                                   {DType::kUInt64, "u64"},
                                                   {DType::kBool, "boolean"}});
static_assert(kIrTypes.haveAllBut({DType::kString}));

// A model with one input of each type, each passed on to an output.
std::string modelOfKnownTypes() {
  std::string layers;
  std::string edges;
  int id = 0;
  for (const auto& [dtype, type] : kIrTypes.rows) {
    const std::string parameter = std::to_string(id++);
    const std::string result = std::to_string(id++);
    layers += "<layer id=\"" + parameter + "\" name=\"" + type +
              "\" type=\"Parameter\" version=\"opset1\"><data shape=\"1\" element_type=\"" + type +
              "\"/><output><port id=\"0\" "
              "precision=\"FP32\"><dim>1</dim></port></output></layer><layer id=\"" +
              result + "\" name=\"" + type +
              "_out\" type=\"Result\" version=\"opset1\"><input><port id=\"0\"><dim>1</dim></port>"
              "</input></layer>";
    edges += "<edge from-layer=\"" + parameter + "\" from-port=\"0\" to-layer=\"" + result +
             "\" to-port=\"0\"/>";
  }
  return "<?xml version=\"1.0\"?><net name=\"types\" version=\"11\"><layers>" + layers +
         "</layers><edges>" + edges + "</edges></net>";
}

std::map<DType, uint32_t> readCodes(const Api& api, const Core* core) {
  const std::string text = modelOfKnownTypes();
  OvModel* model = nullptr;
  check(api, api.readModelFromMemory(core, text.data(), text.size(), nullptr, &model),
        "read its self-check", ErrorCode::kUnsupported);
  const std::unique_ptr<OvModel, void (*)(OvModel*)> owner(model, api.freeModel);
  std::map<DType, uint32_t> codes;
  for (std::size_t i = 0; i < kIrTypes.rows.size(); ++i) {
    Port* port = nullptr;
    check(api, api.inputByIndex(model, i, &port), "read its self-check", ErrorCode::kUnsupported);
    const std::unique_ptr<Port, void (*)(Port*)> port_owner(port, api.freePort);
    uint32_t code = 0;
    check(api, api.portElementType(port, &code), "read its self-check", ErrorCode::kUnsupported);
    codes[kIrTypes.rows[i].dtype] = code;
  }
  return codes;
}

// OpenVINO's message without the lines that only name its own source files.
std::string oneLine(const std::string& words) {
  std::istringstream lines(words);
  std::string line;
  std::string result;
  while (std::getline(lines, line)) {
    const bool trace = line.rfind("Exception from ", 0) == 0 || line.rfind("Check '", 0) == 0;
    if (!trace && !line.empty()) result += ", " + line;
  }
  return result;
}

// The calling thread on at most `count` of its CPUs, until the end of the scope.
class NarrowedAffinity {
 public:
  explicit NarrowedAffinity(int count) {
    narrowed_ = sched_getaffinity(0, sizeof before_, &before_) == 0;
    cpu_set_t few;
    CPU_ZERO(&few);
    for (int cpu = 0; cpu < CPU_SETSIZE && count > 0; ++cpu) {
      if (!CPU_ISSET(cpu, &before_)) continue;
      CPU_SET(cpu, &few);
      --count;
    }
    narrowed_ = narrowed_ && sched_setaffinity(0, sizeof few, &few) == 0;
  }
  ~NarrowedAffinity() {
    if (narrowed_) sched_setaffinity(0, sizeof before_, &before_);
  }
  NarrowedAffinity(const NarrowedAffinity&) = delete;
  NarrowedAffinity& operator=(const NarrowedAffinity&) = delete;

 private:
  cpu_set_t before_;
  bool narrowed_;
};

// TBB takes its width from the affinity of the thread that first asks for it, once per process.
int fixPoolWidth(int threads) {
  void* tbb = ::dlopen("libtbb.so.12", RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD);
  if (tbb == nullptr) return 0;
  // tbb::detail::r1::max_concurrency(const tbb::detail::d1::task_arena_base*)
  const auto max_concurrency = reinterpret_cast<int (*)(const void*)>(
      ::dlsym(tbb, "_ZN3tbb6detail2r115max_concurrencyEPKNS0_2d115task_arena_baseE"));
  if (max_concurrency == nullptr) return 0;
  const NarrowedAffinity narrowed(threads);
  return max_concurrency(nullptr);
}

struct Runtimes {
  std::mutex mutex;
  std::map<std::string, std::unique_ptr<const Runtime>> by_path;
};

}  // namespace

Api::Api(const std::string& path) : library(engineNamed("openvino"), path) {
  library.bind(createCore, "ov_core_create");
  library.bind(freeCore, "ov_core_free");
  library.bind(readModel, "ov_core_read_model");
  library.bind(readModelFromMemory, "ov_core_read_model_from_memory_buffer");
  library.bind(freeModel, "ov_model_free");
  library.bind(inputsSize, "ov_model_inputs_size");
  library.bind(outputsSize, "ov_model_outputs_size");
  library.bind(inputByIndex, "ov_model_const_input_by_index");
  library.bind(inputByName, "ov_model_const_input_by_name");
  library.bind(outputByName, "ov_model_const_output_by_name");
  library.bind(reshape, "ov_model_reshape");
  library.bind(compile, "ov_core_compile_model");
  library.bind(freeCompiledModel, "ov_compiled_model_free");
  library.bind(getProperty, "ov_compiled_model_get_property");
  library.bind(compiledInputByName, "ov_compiled_model_input_by_name");
  library.bind(compiledOutputByName, "ov_compiled_model_output_by_name");
  library.bind(portElementType, "ov_port_get_element_type");
  library.bind(portAnyName, "ov_port_get_any_name");
  library.bind(portPartialShape, "ov_port_get_partial_shape");
  library.bind(freePartialShape, "ov_partial_shape_free");
  library.bind(freePort, "ov_output_const_port_free");
  library.bind(createRequest, "ov_compiled_model_create_infer_request");
  library.bind(freeRequest, "ov_infer_request_free");
  library.bind(setTensor, "ov_infer_request_set_tensor_by_const_port");
  library.bind(getTensor, "ov_infer_request_get_tensor_by_const_port");
  library.bind(infer, "ov_infer_request_infer");
  library.bind(tensorFromHost, "ov_tensor_create_from_host_ptr");
  library.bind(tensorShape, "ov_tensor_get_shape");
  library.bind(tensorData, "ov_tensor_data");
  library.bind(freeTensor, "ov_tensor_free");
  library.bind(freeShape, "ov_shape_free");
  library.bind(freeText, "ov_free");
  lastError = reinterpret_cast<decltype(lastError)>(library.find("ov_get_last_err_msg"));
  setProperty = reinterpret_cast<decltype(setProperty)>(library.find("ov_core_set_property"));
}

Runtime::Runtime(const std::string& path, int threads) : api(path) {
  pool_width = fixPoolWidth(threads);
  codes = readCodes(api, newCore().get());
}

SharedCore Runtime::newCore() const {
  Core* core = nullptr;
  check(api, api.createCore(&core), "start", ErrorCode::kUnsupported);
  SharedCore owner(core, api.freeCore);
  // Weights are read, not mapped: a file that is written to later doesn't change them. A version
  // that doesn't take it maps them.
  if (api.setProperty != nullptr) api.setProperty(core, "", "ENABLE_MMAP", "NO");
  return owner;
}

uint32_t Runtime::codeOf(DType dtype) const {
  const auto found = codes.find(dtype);
  if (found != codes.end()) return found->second;
  throw Error(ErrorCode::kUnsupported, std::string("engine 'openvino' has no dtype ") +
                                           name(dtype) + "; use another engine");
}

const Runtime& runtime(const std::string& library_path, int threads) {
  static OneProcess process("openvino");
  static PerProcess<Runtimes> made;
  process.enter();
  Runtimes& runtimes = made.get();
  const std::lock_guard<std::mutex> lock(runtimes.mutex);
  std::unique_ptr<const Runtime>& slot = runtimes.by_path[library_path];
  if (!slot) slot = std::make_unique<const Runtime>(library_path, threads);
  return *slot;
}

void check(const Api& api, Status status, const std::string& action, ErrorCode code) {
  if (status == kOk) return;
  const char* words = api.lastError != nullptr ? api.lastError() : nullptr;
  throw Error(code, "engine 'openvino' could not " + action + ": OpenVINO status " +
                        std::to_string(status) + oneLine(words != nullptr ? words : "") +
                        (code == ErrorCode::kUnsupported ? "; use another engine" : ""));
}

}  // namespace aios::engines::openvino
