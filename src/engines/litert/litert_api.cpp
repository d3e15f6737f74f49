#include "engines/litert/litert_api.hpp"

#include <map>
#include <memory>
#include <mutex>

#include "aios/error.hpp"
#include "core/dtype_codes.hpp"
#include "core/fork.hpp"
#include "engines/engine_table.hpp"

namespace aios::engines::litert {

namespace {

// TfLiteType's numbers.
constexpr auto kElementTypes = dtypeCodes<int32_t>({{DType::kFloat32, 1},
                                                    {DType::kInt32, 2},
                                                    {DType::kUInt8, 3},
                                                    {DType::kInt64, 4},
                                                    {DType::kBool, 6},
                                                    {DType::kInt16, 7},
                                                    {DType::kInt8, 9},
                                                    {DType::kFloat16, 10},
                                                    {DType::kFloat64, 11},
                                                    {DType::kUInt64, 13},
                                                    {DType::kUInt32, 16},
                                                    {DType::kUInt16, 17},
                                                    {DType::kBFloat16, 19}});
static_assert(kElementTypes.haveAllBut({DType::kString}));

}  // namespace

DType dtypeFromElementType(int32_t element_type) {
  const DType dtype = kElementTypes.dtypeOf(element_type);
  if (dtype != DType::kInvalid) return dtype;
  throw Error(ErrorCode::kUnsupported, "engine 'litert': element type " +
                                           std::to_string(element_type) +
                                           " has no counterpart; use another engine");
}

int32_t elementTypeOf(DType dtype) {
  if (const int32_t* code = kElementTypes.codeOf(dtype)) return *code;
  throw Error(ErrorCode::kUnsupported,
              std::string("engine 'litert' has no dtype ") + name(dtype) + "; use another engine");
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
