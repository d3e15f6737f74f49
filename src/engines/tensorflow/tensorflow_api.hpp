// The part of TensorFlow's C API that this engine calls, declared here so that building needs no
// TensorFlow. Signatures are those of tensorflow/c/c_api.h and c_api's tensor and string headers;
// element types are those of DataType in types.proto. Tested with 2.21.0.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "aios/tensor.hpp"
#include "engines/dynamic_library.hpp"

struct TF_Buffer {
  const void* data;
  std::size_t length;
  void (*deallocate)(void*, std::size_t);
};

namespace aios::engines::tensorflow {

using TfStatus = struct TF_Status;
using TfGraph = struct TF_Graph;
using TfSession = struct TF_Session;
using TfTensor = struct TF_Tensor;
using TfOperation = struct TF_Operation;
using TfSessionOptions = struct TF_SessionOptions;
using TfImportOptions = struct TF_ImportGraphDefOptions;

struct TfOutput {
  TfOperation* operation;
  int index;
};

// TensorFlow's own string object; only its size matters here, TF_String* functions do the rest.
struct TfString {
  alignas(8) char bytes[24];
};

inline constexpr int kTfString = 7;

// 0 for a dtype that TensorFlow lacks.
int tfTypeOf(DType dtype) noexcept;
DType dtypeFromTfType(int type) noexcept;

struct Api {
  explicit Api(const std::string& path);

  DynamicLibrary library;

  const char* (*version)();
  TfStatus* (*newStatus)();
  void (*deleteStatus)(TfStatus*);
  int (*code)(const TfStatus*);
  const char* (*message)(const TfStatus*);
  TF_Buffer* (*newBuffer)();
  void (*deleteBuffer)(TF_Buffer*);
  TfGraph* (*newGraph)();
  void (*deleteGraph)(TfGraph*);
  TfOperation* (*operationByName)(TfGraph*, const char*);
  TfSessionOptions* (*newSessionOptions)();
  void (*deleteSessionOptions)(TfSessionOptions*);
  void (*setConfig)(TfSessionOptions*, const void*, std::size_t, TfStatus*);
  TfImportOptions* (*newImportOptions)();
  void (*deleteImportOptions)(TfImportOptions*);
  void (*importGraphDef)(TfGraph*, const TF_Buffer*, const TfImportOptions*, TfStatus*);
  TfSession* (*newSession)(TfGraph*, const TfSessionOptions*, TfStatus*);
  TfSession* (*loadSavedModel)(const TfSessionOptions*, const TF_Buffer*, const char*,
                               const char* const*, int, TfGraph*, TF_Buffer*, TfStatus*);
  void (*closeSession)(TfSession*, TfStatus*);
  void (*deleteSession)(TfSession*, TfStatus*);
  void (*run)(TfSession*, const TF_Buffer*, const TfOutput*, TfTensor* const*, int, const TfOutput*,
              TfTensor**, int, const TfOperation* const*, int, TF_Buffer*, TfStatus*);
  TfTensor* (*newTensor)(int, const int64_t*, int, void*, std::size_t,
                         void (*)(void*, std::size_t, void*), void*);
  TfTensor* (*allocateTensor)(int, const int64_t*, int, std::size_t);
  void (*deleteTensor)(TfTensor*);
  int (*tensorType)(const TfTensor*);
  int (*numDims)(const TfTensor*);
  int64_t (*dim)(const TfTensor*, int);
  std::size_t (*byteSize)(const TfTensor*);
  void* (*tensorData)(const TfTensor*);
  void (*stringInit)(TfString*);
  void (*stringCopy)(TfString*, const char*, std::size_t);
  const char* (*stringData)(const TfString*);
  std::size_t (*stringSize)(const TfString*);
};

// One library per path, kept for the life of the process.
const Api& api(const std::string& library_path);

// A TF_Status for one call; check() throws with TensorFlow's own words.
class Status {
 public:
  explicit Status(const Api& api) : api_(api), status_(api.newStatus()) {}
  ~Status() { api_.deleteStatus(status_); }
  Status(const Status&) = delete;
  Status& operator=(const Status&) = delete;

  TfStatus* get() const noexcept { return status_; }
  bool ok() const { return api_.code(status_) == 0; }
  void check(const std::string& action) const;

 private:
  const Api& api_;
  TfStatus* status_;
};

}  // namespace aios::engines::tensorflow
