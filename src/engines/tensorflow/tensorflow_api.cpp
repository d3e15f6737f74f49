#include "engines/tensorflow/tensorflow_api.hpp"

#include <dlfcn.h>
#include <pthread.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <utility>

#include "aios/error.hpp"
#include "core/dtype_codes.hpp"
#include "core/fork.hpp"
#include "engines/engine_table.hpp"
#include "engines/one_process.hpp"

namespace aios::engines::tensorflow {
namespace {

constexpr auto kTypes = dtypeCodes<int>({{DType::kFloat32, 1},
                                         {DType::kFloat64, 2},
                                         {DType::kInt32, 3},
                                         {DType::kUInt8, 4},
                                         {DType::kInt16, 5},
                                         {DType::kInt8, 6},
                                         {DType::kString, kTfString},
                                         {DType::kInt64, 9},
                                         {DType::kBool, 10},
                                         {DType::kBFloat16, 14},
                                         {DType::kUInt16, 17},
                                         {DType::kFloat16, 19},
                                         {DType::kUInt32, 22},
                                         {DType::kUInt64, 23}});
static_assert(kTypes.haveAllBut({}));

struct Apis {
  std::mutex mutex;
  std::map<std::string, std::unique_ptr<const Api>> by_path;
};

OneProcess process("tensorflow");

// Whether TensorFlow, which names its threads, has any in this process.
bool hasThreads() {
  std::error_code ignored;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task", ignored)) {
    std::ifstream file(thread.path() / "comm");
    std::string name;
    if (std::getline(file, name) && name.rfind("tf_", 0) == 0) return true;
  }
  return false;
}

// Python's TensorFlow is the same library, with the same threads.
void noteUseByOthers() noexcept {
  try {
    void* library = ::dlopen("libtensorflow_cc.so.2", RTLD_LAZY | RTLD_NOLOAD);
    if (library == nullptr) return;
    ::dlclose(library);
    if (hasThreads()) process.note();
  } catch (...) {
    process.note();  // to be on the safe side
  }
}

// Registered once, when the library is loaded.
[[maybe_unused]] const int registered = ::pthread_atfork(noteUseByOthers, nullptr, nullptr);

}  // namespace

int tfTypeOf(DType dtype) noexcept {
  const int* type = kTypes.codeOf(dtype);
  return type == nullptr ? 0 : *type;
}

DType dtypeFromTfType(int type) noexcept { return kTypes.dtypeOf(type); }

Api::Api(const std::string& path) : library(engineNamed("tensorflow"), path) {
  library.bind(version, "TF_Version");
  library.bind(newStatus, "TF_NewStatus");
  library.bind(deleteStatus, "TF_DeleteStatus");
  library.bind(code, "TF_GetCode");
  library.bind(message, "TF_Message");
  library.bind(newBuffer, "TF_NewBuffer");
  library.bind(deleteBuffer, "TF_DeleteBuffer");
  library.bind(newGraph, "TF_NewGraph");
  library.bind(deleteGraph, "TF_DeleteGraph");
  library.bind(operationByName, "TF_GraphOperationByName");
  library.bind(newSessionOptions, "TF_NewSessionOptions");
  library.bind(deleteSessionOptions, "TF_DeleteSessionOptions");
  library.bind(setConfig, "TF_SetConfig");
  library.bind(newImportOptions, "TF_NewImportGraphDefOptions");
  library.bind(deleteImportOptions, "TF_DeleteImportGraphDefOptions");
  library.bind(importGraphDef, "TF_GraphImportGraphDef");
  library.bind(newSession, "TF_NewSession");
  library.bind(loadSavedModel, "TF_LoadSessionFromSavedModel");
  library.bind(closeSession, "TF_CloseSession");
  library.bind(deleteSession, "TF_DeleteSession");
  library.bind(run, "TF_SessionRun");
  library.bind(newTensor, "TF_NewTensor");
  library.bind(allocateTensor, "TF_AllocateTensor");
  library.bind(deleteTensor, "TF_DeleteTensor");
  library.bind(tensorType, "TF_TensorType");
  library.bind(numDims, "TF_NumDims");
  library.bind(dim, "TF_Dim");
  library.bind(byteSize, "TF_TensorByteSize");
  library.bind(tensorData, "TF_TensorData");
  library.bind(stringInit, "TF_StringInit");
  library.bind(stringCopy, "TF_StringCopy");
  library.bind(stringData, "TF_StringGetDataPointer");
  library.bind(stringSize, "TF_StringGetSize");
}

const Api& api(const std::string& library_path) {
  static PerProcess<Apis> made;
  process.enter();
  Apis& apis = made.get();
  const std::lock_guard<std::mutex> lock(apis.mutex);
  std::unique_ptr<const Api>& slot = apis.by_path[library_path];
  if (!slot) slot = std::make_unique<const Api>(library_path);
  return *slot;
}

void Status::check(const std::string& action) const {
  if (ok()) return;
  // TensorFlow's codes are gRPC's; those that mean the caller's mistake keep their meaning.
  const int code = api_.code(status_);
  const bool callers = code == 3 || code == 9 || code == 11;
  throw Error(callers      ? ErrorCode::kInvalidArgument
              : code == 12 ? ErrorCode::kUnsupported
                           : ErrorCode::kInternal,
              "engine 'tensorflow' could not " + action + ": " + api_.message(status_));
}

}  // namespace aios::engines::tensorflow
