#include "engines/litert/litert_api.hpp"

#include <map>
#include <memory>
#include <mutex>

#include "aios/error.hpp"
#include "core/fork.hpp"
#include "engines/engine_table.hpp"

namespace aios::engines::litert {

DType dtypeFromElementType(int32_t element_type) {
  switch (element_type) {
    case 1:
      return DType::kFloat32;
    case 2:
      return DType::kInt32;
    case 3:
      return DType::kUInt8;
    case 4:
      return DType::kInt64;
    case 6:
      return DType::kBool;
    case 7:
      return DType::kInt16;
    case 9:
      return DType::kInt8;
    case 10:
      return DType::kFloat16;
    case 11:
      return DType::kFloat64;
    case 13:
      return DType::kUInt64;
    case 16:
      return DType::kUInt32;
    case 17:
      return DType::kUInt16;
    case 19:
      return DType::kBFloat16;
    default:
      throw Error(ErrorCode::kUnsupported, "engine 'litert': element type " +
                                               std::to_string(element_type) +
                                               " has no counterpart; use another engine");
  }
}

Api::Api(const std::string& path) : library(engineNamed("litert"), path) {
  library.bind(createEnvironment, "LiteRtCreateEnvironment");
  library.bind(createModelFromBuffer, "LiteRtCreateModelFromBuffer");
  library.bind(destroyModel, "LiteRtDestroyModel");
  library.bind(getNumSignatures, "LiteRtGetNumModelSignatures");
  library.bind(getSignature, "LiteRtGetModelSignature");
  library.bind(getSignatureKey, "LiteRtGetSignatureKey");
  library.bind(getNumInputs, "LiteRtGetNumSignatureInputs");
  library.bind(getNumOutputs, "LiteRtGetNumSignatureOutputs");
  library.bind(getInputName, "LiteRtGetSignatureInputName");
  library.bind(getOutputName, "LiteRtGetSignatureOutputName");
  library.bind(getInputTensor, "LiteRtGetSignatureInputTensorByIndex");
  library.bind(getOutputTensor, "LiteRtGetSignatureOutputTensorByIndex");
  library.bind(getRankedTensorType, "LiteRtGetRankedTensorType");
  library.bind(createOptions, "LiteRtCreateOptions");
  library.bind(destroyOptions, "LiteRtDestroyOptions");
  library.bind(setHardwareAccelerators, "LiteRtSetOptionsHardwareAccelerators");
  library.bind(createOpaqueOptions, "LiteRtCreateOpaqueOptions");
  library.bind(addOpaqueOptions, "LiteRtAddOpaqueOptions");
  library.bind(createCompiledModel, "LiteRtCreateCompiledModel");
  library.bind(destroyCompiledModel, "LiteRtDestroyCompiledModel");
  library.bind(resizeInput, "LiteRtCompiledModelResizeInputTensor");
  library.bind(getOutputLayouts, "LiteRtGetCompiledModelOutputTensorLayouts");
  library.bind(createBuffer, "LiteRtCreateTensorBufferFromHostMemory");
  library.bind(destroyBuffer, "LiteRtDestroyTensorBuffer");
  library.bind(run, "LiteRtRunCompiledModel");
}

Runtime::Runtime(const std::string& path) : api(path) {
  // Without these two, creation looks for GPUs and writes to stderr.
  EnvironmentOption options[2]{};
  options[0].tag = kTagAutoRegisterAccelerators;
  options[0].value.type = kAnyInt;
  options[0].value.int_value = kAcceleratorCpu;
  options[1].tag = kTagMinLoggerSeverity;
  options[1].value.type = kAnyInt;
  options[1].value.int_value = kSeverityError;
  check(api.createEnvironment(2, options, &environment), "create an environment");
}

namespace {

struct Runtimes {
  std::mutex mutex;
  std::map<std::string, std::unique_ptr<const Runtime>> by_path;
};

}  // namespace

const Runtime& runtime(const std::string& library_path) {
  // Threads belong to compiled models, so a child only needs an environment of its own.
  static PerProcess<Runtimes> made;
  Runtimes& runtimes = made.get();
  const std::lock_guard<std::mutex> lock(runtimes.mutex);
  std::unique_ptr<const Runtime>& slot = runtimes.by_path[library_path];
  if (!slot) slot = std::make_unique<const Runtime>(library_path);
  return *slot;
}

void check(Status status, const char* action) {
  if (status == kOk) return;
  throw Error(ErrorCode::kInternal, std::string("engine 'litert' could not ") + action +
                                        ": LiteRT status " + std::to_string(status));
}

}  // namespace aios::engines::litert
