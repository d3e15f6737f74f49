// The part of OpenVINO's C API that this engine calls, declared here so that building needs no
// OpenVINO. Names and layouts are those of its public headers (openvino/c). Tested with 2026.4.1;
// another version is used only if its codes of element types can be read from a model of known
// types (Runtime).
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "aios/error.hpp"
#include "aios/tensor.hpp"
#include "engines/dynamic_library.hpp"

namespace aios::engines::openvino {

using Status = int;
inline constexpr Status kOk = 0;
using Core = struct ov_core;
using OvModel = struct ov_model;
using CompiledModel = struct ov_compiled_model;
using InferRequest = struct ov_infer_request;
using OvTensor = struct ov_tensor;
using Port = struct ov_output_const_port;

struct Shape {
  int64_t rank;
  int64_t* dims;
};
static_assert(sizeof(Shape) == 16 && offsetof(Shape, dims) == 8);

struct Dimension {
  int64_t min;
  int64_t max;
};

struct PartialShape {
  Dimension rank;
  Dimension* dims;
};
static_assert(sizeof(PartialShape) == 24 && offsetof(PartialShape, dims) == 16);

struct Api {
  // Opens the library and resolves every symbol below.
  explicit Api(const std::string& path);

  DynamicLibrary library;

  Status (*createCore)(Core**);
  void (*freeCore)(Core*);
  Status (*readModel)(const Core*, const char*, const char*, OvModel**);
  Status (*readModelFromMemory)(const Core*, const char*, std::size_t, const OvTensor*, OvModel**);
  void (*freeModel)(OvModel*);
  Status (*inputsSize)(const OvModel*, std::size_t*);
  Status (*outputsSize)(const OvModel*, std::size_t*);
  Status (*inputByIndex)(const OvModel*, std::size_t, Port**);
  Status (*inputByName)(const OvModel*, const char*, Port**);
  Status (*outputByName)(const OvModel*, const char*, Port**);
  Status (*reshape)(const OvModel*, const char**, const PartialShape*, std::size_t);
  Status (*compile)(const Core*, const OvModel*, const char*, std::size_t, CompiledModel**, ...);
  void (*freeCompiledModel)(CompiledModel*);
  Status (*getProperty)(const CompiledModel*, const char*, char**);
  Status (*compiledInputByName)(const CompiledModel*, const char*, Port**);
  Status (*compiledOutputByName)(const CompiledModel*, const char*, Port**);
  Status (*portElementType)(const Port*, uint32_t*);
  Status (*portAnyName)(const Port*, char**);
  Status (*portPartialShape)(const Port*, PartialShape*);
  void (*freePartialShape)(PartialShape*);
  void (*freePort)(Port*);
  Status (*createRequest)(const CompiledModel*, InferRequest**);
  void (*freeRequest)(InferRequest*);
  Status (*setTensor)(InferRequest*, const Port*, const OvTensor*);
  Status (*getTensor)(const InferRequest*, const Port*, OvTensor**);
  Status (*infer)(InferRequest*);
  Status (*tensorFromHost)(uint32_t, Shape, void*, OvTensor**);
  Status (*tensorShape)(const OvTensor*, Shape*);
  Status (*tensorData)(const OvTensor*, void**);
  void (*freeTensor)(OvTensor*);
  Status (*freeShape)(Shape*);
  void (*freeText)(const char*);
  const char* (*lastError)();  // optional: null where the version has none
  Status (*setProperty)(const Core*, const char*, ...);  // likewise
};

// A core and what it compiled keep threads, for calls to come, until the core is freed: each
// artifact has its own.
using SharedCore = std::shared_ptr<Core>;

// One library, opened at the first use of a path and kept for the life of the process.
struct Runtime {
  // `threads` is the width that TBB, OpenVINO's pool, gets if nothing in this process used it yet.
  Runtime(const std::string& path, int threads);

  // Throws Unsupported for a dtype that this version has no code for.
  uint32_t codeOf(DType dtype) const;
  SharedCore newCore() const;

  Api api;
  std::map<DType, uint32_t> codes;
  // Threads that work outside of an explicit arena may use, the caller's included; fixed at TBB's
  // first use in the process. 0: not known.
  int pool_width = 0;
};
const Runtime& runtime(const std::string& library_path, int threads);

// Throws with OpenVINO's own words unless `status` is kOk.
void check(const Api& api, Status status, const std::string& action,
           ErrorCode code = ErrorCode::kInternal);

}  // namespace aios::engines::openvino
