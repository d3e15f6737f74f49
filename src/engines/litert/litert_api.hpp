// The part of LiteRT's C API that this engine calls, declared here because the wheel ships no
// headers. Names and layouts are those of LiteRT's public headers
// (github.com/google-ai-edge/LiteRT, litert/c). Tested with 2.3.0; an unknown version is used only
// if selfCheck() passes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>

#include "aios/tensor.hpp"
#include "engines/dynamic_library.hpp"

namespace aios::engines::litert {

using Status = int;
inline constexpr Status kOk = 0;
using Environment = struct LiteRtEnvironmentT*;
using LiteRtModel = struct LiteRtModelT*;
using LiteRtSignature = struct LiteRtSignatureT*;
using LiteRtTensor = const struct LiteRtTensorT*;
using Options = struct LiteRtOptionsT*;
using OpaqueOptions = struct LiteRtOpaqueOptionsT*;
using CompiledModel = struct LiteRtCompiledModelT*;
using TensorBuffer = struct LiteRtTensorBufferT*;

struct Layout {
  unsigned int rank : 7;
  unsigned int has_strides : 1;
  int32_t dimensions[8];
  uint32_t strides[8];
};
static_assert(sizeof(Layout) == 68 && offsetof(Layout, dimensions) == 4);

struct RankedTensorType {
  int32_t element_type;
  Layout layout;
};
static_assert(sizeof(RankedTensorType) == 72 && offsetof(RankedTensorType, layout) == 4);

struct Any {
  int32_t type;
  union {
    int64_t int_value;
    const void* pointer_value;
  };
};
inline constexpr int32_t kAnyInt = 2;

struct EnvironmentOption {
  int32_t tag;
  Any value;
};
static_assert(sizeof(EnvironmentOption) == 24 && offsetof(EnvironmentOption, value) == 8);
inline constexpr int32_t kTagAutoRegisterAccelerators = 24;
inline constexpr int32_t kTagMinLoggerSeverity = 25;
inline constexpr int kAcceleratorCpu = 1;
inline constexpr int kSeverityError = 3;

// Throws Unsupported, naming the code, for an element type that has no DType.
DType dtypeFromElementType(int32_t element_type);
// Throws Unsupported for a dtype that LiteRT lacks.
int32_t elementTypeOf(DType dtype);

struct Api {
  // Opens the library and resolves every symbol below.
  explicit Api(const std::string& path);

  DynamicLibrary library;

  Status (*createEnvironment)(int, const EnvironmentOption*, Environment*);
  // The buffer must outlive the model.
  Status (*createModelFromBuffer)(Environment, const void*, std::size_t, LiteRtModel*);
  void (*destroyModel)(LiteRtModel);
  Status (*getNumSignatures)(LiteRtModel, std::size_t*);
  Status (*getSignature)(LiteRtModel, std::size_t, LiteRtSignature*);
  Status (*getSignatureKey)(LiteRtSignature, const char**);
  Status (*getNumInputs)(LiteRtSignature, std::size_t*);
  Status (*getNumOutputs)(LiteRtSignature, std::size_t*);
  Status (*getInputName)(LiteRtSignature, std::size_t, const char**);
  Status (*getOutputName)(LiteRtSignature, std::size_t, const char**);
  Status (*getInputTensor)(LiteRtSignature, std::size_t, LiteRtTensor*);
  Status (*getOutputTensor)(LiteRtSignature, std::size_t, LiteRtTensor*);
  Status (*getRankedTensorType)(LiteRtTensor, RankedTensorType*);
  Status (*createOptions)(Options*);
  void (*destroyOptions)(Options);
  Status (*setHardwareAccelerators)(Options, int);
  Status (*createOpaqueOptions)(const char*, void*, void (*)(void*), OpaqueOptions*);
  Status (*addOpaqueOptions)(Options, OpaqueOptions);
  Status (*createCompiledModel)(Environment, LiteRtModel, Options, CompiledModel*);
  void (*destroyCompiledModel)(CompiledModel);
  Status (*resizeInput)(CompiledModel, std::size_t, std::size_t, const int*, std::size_t);
  Status (*getOutputLayouts)(CompiledModel, std::size_t, std::size_t, Layout*, bool);
  Status (*createBuffer)(const RankedTensorType*, void*, std::size_t, void (*)(void*),
                         TensorBuffer*);
  void (*destroyBuffer)(TensorBuffer);
  Status (*run)(CompiledModel, std::size_t, std::size_t, TensorBuffer*, std::size_t, TensorBuffer*);
};

// One library and one environment, made at the first use of a path and kept for the life of the
// process (a forked child makes its own): LiteRT's environment owns process-wide state.
struct Runtime {
  explicit Runtime(const std::string& path);

  Api api;
  Environment environment = nullptr;
  mutable std::mutex compiling;  // all models share the environment: one creation at a time
};
const Runtime& runtime(const std::string& library_path);

// Throws Internal unless `status` is kOk.
void check(Status status, const char* action);

}  // namespace aios::engines::litert
