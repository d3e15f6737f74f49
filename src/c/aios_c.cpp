#include <algorithm>
#include <cstddef>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

#include "aios/aios.h"
#include "aios/performance_cell.hpp"
#include "core/dtype_codes.hpp"

static_assert(AIOS_MAX_RANK == aios::kMaxRank, "");
static_assert(offsetof(aios_error, message) == 8 && sizeof(aios_error) == 520, "ABI");
static_assert(offsetof(aios_options, engine) == 8 && sizeof(aios_options) == 48, "ABI");
static_assert(offsetof(aios_tensor, shape) == 16 && offsetof(aios_tensor, data) == 80, "ABI");
static_assert(offsetof(aios_tensor_spec, name) == 80 && sizeof(aios_tensor_spec) == 88, "ABI");
static_assert(offsetof(aios_benchmark, p50_us) == 8 && sizeof(aios_benchmark) == 40, "ABI");

struct aios_cell {
  aios::TensorFlowPerformanceCell cell;
  aios::Signature signature;  // of the model loaded last: owns the names that callers borrow
};

struct aios_call {
  aios::BoundCall call;
};

struct aios_stream {
  aios::Stream stream;
};

namespace {

using aios::DType;
using aios::Error;
using aios::ErrorCode;

constexpr auto kDTypes = aios::dtypeCodes<int32_t>({{DType::kBool, AIOS_BOOL},
                                                    {DType::kInt8, AIOS_INT8},
                                                    {DType::kUInt8, AIOS_UINT8},
                                                    {DType::kInt16, AIOS_INT16},
                                                    {DType::kUInt16, AIOS_UINT16},
                                                    {DType::kInt32, AIOS_INT32},
                                                    {DType::kUInt32, AIOS_UINT32},
                                                    {DType::kInt64, AIOS_INT64},
                                                    {DType::kUInt64, AIOS_UINT64},
                                                    {DType::kFloat16, AIOS_FLOAT16},
                                                    {DType::kFloat32, AIOS_FLOAT32},
                                                    {DType::kFloat64, AIOS_FLOAT64},
                                                    {DType::kBFloat16, AIOS_BFLOAT16}});

// The element types of C and C++ are the same numbers; C has no strings.
constexpr bool areTheSameNumbers() {
  for (const auto& [dtype, code] : kDTypes.rows) {
    if (static_cast<int32_t>(dtype) != code) return false;
  }
  return kDTypes.haveAllBut({DType::kString});
}
static_assert(areTheSameNumbers());

// A bit for each of them, which every call asks.
constexpr uint32_t bitsOfDTypes() {
  uint32_t bits = 0;
  for (const auto& row : kDTypes.rows) bits |= UINT32_C(1) << row.code;
  return bits;
}

bool isDType(int32_t dtype) noexcept {
  constexpr uint32_t kBits = bitsOfDTypes();
  return dtype >= 0 && dtype < 32 && (kBits >> dtype & 1) != 0;
}

int32_t fail(aios_error* error, int32_t code, const char* message) noexcept {
  if (error == nullptr || error->struct_size < offsetof(aios_error, message)) return code;
  error->code = code;
  const std::size_t room = std::min<std::size_t>(error->struct_size - offsetof(aios_error, message),
                                                 sizeof error->message);
  if (room == 0) return code;
  std::strncpy(error->message, message, room - 1);
  error->message[room - 1] = '\0';
  return code;
}

// Marks a success. Writes no more than it must: a small model takes less than clearing a message.
int32_t succeed(aios_error* error) noexcept {
  if (error == nullptr || error->struct_size < offsetof(aios_error, message)) return 0;
  error->code = 0;
  if (error->struct_size > offsetof(aios_error, message)) error->message[0] = '\0';
  return 0;
}

// Runs `body`; whatever it throws becomes a code and a message.
template <typename Body>
int32_t guarded(aios_error* error, Body body) noexcept {
  try {
    body();
    return succeed(error);
  } catch (const Error& caught) {
    return fail(error, static_cast<int32_t>(caught.code()), caught.what());
  } catch (const std::bad_alloc&) {
    return fail(error, static_cast<int32_t>(ErrorCode::kOverloaded), "out of memory");
  } catch (const std::exception& caught) {
    return fail(error, static_cast<int32_t>(ErrorCode::kInternal), caught.what());
  } catch (...) {
    return fail(error, static_cast<int32_t>(ErrorCode::kInternal), "unknown exception");
  }
}

[[noreturn]] void throwArgument(const char* message) {
  throw Error(ErrorCode::kInvalidArgument, message);
}

template <typename Pointer>
void requirePointer(Pointer pointer, const char* message) {
  if (pointer == nullptr) throwArgument(message);
}

aios::TensorView viewOf(const aios_tensor& tensor) {
  if (tensor.struct_size < sizeof(aios_tensor)) throwArgument("aios_tensor: set struct_size");
  if (tensor.rank > AIOS_MAX_RANK) throwArgument("aios_tensor: rank is over AIOS_MAX_RANK");
  // Strings aren't of this API: their elements are C++ structs.
  if (!isDType(tensor.dtype)) throwArgument("aios_tensor: dtype isn't an aios_dtype");
  return {tensor.data, static_cast<DType>(tensor.dtype),
          aios::Span<const int64_t>(tensor.shape, tensor.rank)};
}

// A few tensors live on the stack, so that a call allocates nothing; places for more aren't even
// cleared.
class Views {
 public:
  Views(const aios_tensor* tensors, std::size_t count) : count_(count) {
    if (count != 0) requirePointer(tensors, "tensors: expected an array, got NULL");
    if (count > kFew) many_.resize(count);
    for (std::size_t i = 0; i < count; ++i) new (data() + i) aios::TensorView(viewOf(tensors[i]));
  }
  aios::Span<aios::TensorView> span() { return {data(), count_}; }
  aios::Span<const aios::TensorView> constSpan() { return {data(), count_}; }

 private:
  static constexpr std::size_t kFew = 4;
  static_assert(std::is_trivially_destructible_v<aios::TensorView>, "nothing destroys them");

  aios::TensorView* data() {
    return count_ > kFew ? many_.data() : reinterpret_cast<aios::TensorView*>(few_);
  }

  std::size_t count_;
  alignas(aios::TensorView) std::byte few_[kFew * sizeof(aios::TensorView)];
  std::vector<aios::TensorView> many_;
};

std::string textOr(const char* text, const char* fallback) {
  return text != nullptr ? text : fallback;
}

aios::CellOptions optionsFrom(const aios_options* given) {
  aios::CellOptions options;
  if (given == nullptr) return options;
  if (given->struct_size < sizeof(aios_options)) throwArgument("aios_options: set struct_size");
  options.engine = textOr(given->engine, "auto");
  options.threads = given->threads == 0 ? 1 : given->threads;
  options.verify = aios::verifyFromName(textOr(given->verify, "quick"));
  options.litert_library = textOr(given->litert_library, "");
  options.openvino_library = textOr(given->openvino_library, "");
  options.tensorflow_library = textOr(given->tensorflow_library, "");
  return options;
}

}  // namespace

const char* aios_version(void) { return AIOS_VERSION; }

int32_t aios_cell_create(const aios_options* options, aios_cell** cell, aios_error* error) {
  return guarded(error, [&] {
    requirePointer(cell, "cell: expected the address of a pointer, got NULL");
    auto made = std::make_unique<aios_cell>();
    made->cell.initialize(optionsFrom(options));
    *cell = made.release();
  });
}

void aios_cell_destroy(aios_cell* cell) { delete cell; }

int32_t aios_cell_load(aios_cell* cell, const char* path, aios_error* error) {
  return guarded(error, [&] {
    requirePointer(cell, "cell: expected a cell, got NULL");
    requirePointer(path, "path: expected a bundle's directory, got NULL");
    cell->cell.loadModel(path);
    cell->signature = cell->cell.signature();
  });
}

int32_t aios_cell_close(aios_cell* cell, aios_error* error) {
  return guarded(error, [&] {
    requirePointer(cell, "cell: expected a cell, got NULL");
    cell->cell.close();
  });
}

int32_t aios_cell_engine(aios_cell* cell, char* name, size_t size, aios_error* error) {
  return guarded(error, [&] {
    requirePointer(cell, "cell: expected a cell, got NULL");
    if (name == nullptr || size == 0) throwArgument("name: expected a buffer of 1 byte or more");
    const std::string engine = cell->cell.engine();
    std::strncpy(name, engine.c_str(), size - 1);
    name[size - 1] = '\0';
  });
}

int32_t aios_cell_tensor_counts(aios_cell* cell, size_t* inputs, size_t* outputs,
                                aios_error* error) {
  return guarded(error, [&] {
    requirePointer(cell, "cell: expected a cell, got NULL");
    const aios::Signature signature = cell->cell.signature();
    if (inputs != nullptr) *inputs = signature.inputs.size();
    if (outputs != nullptr) *outputs = signature.outputs.size();
  });
}

int32_t aios_cell_tensor(aios_cell* cell, int32_t is_output, size_t index, aios_tensor_spec* spec,
                         aios_error* error) {
  return guarded(error, [&] {
    requirePointer(cell, "cell: expected a cell, got NULL");
    if (spec == nullptr || spec->struct_size < sizeof(aios_tensor_spec)) {
      throwArgument("aios_tensor_spec: set struct_size");
    }
    cell->cell.engine();  // throws while nothing is loaded
    const auto& specs = is_output != 0 ? cell->signature.outputs : cell->signature.inputs;
    if (index >= specs.size()) throwArgument("index: the signature has fewer tensors");
    const aios::TensorSpec& found = specs[index];
    spec->dtype = static_cast<int32_t>(found.dtype);
    spec->rank = found.shape.size();
    std::copy(found.shape.begin(), found.shape.end(), spec->shape);
    spec->name = found.name.c_str();
  });
}

int32_t aios_cell_infer(aios_cell* cell, const aios_tensor* inputs, size_t input_count,
                        const aios_tensor* outputs, size_t output_count, aios_error* error) {
  return guarded(error, [&] {
    requirePointer(cell, "cell: expected a cell, got NULL");
    Views input_views(inputs, input_count);
    Views output_views(outputs, output_count);
    cell->cell.inference(input_views.constSpan(), output_views.span());
  });
}

int32_t aios_cell_bind(aios_cell* cell, const aios_tensor* inputs, size_t input_count,
                       const aios_tensor* outputs, size_t output_count, aios_call** call,
                       aios_error* error) {
  return guarded(error, [&] {
    requirePointer(cell, "cell: expected a cell, got NULL");
    requirePointer(call, "call: expected the address of a pointer, got NULL");
    Views input_views(inputs, input_count);
    Views output_views(outputs, output_count);
    aios_call made{cell->cell.bind(input_views.constSpan(), output_views.span())};
    *call = std::make_unique<aios_call>(std::move(made)).release();
  });
}

int32_t aios_call_run(aios_call* call, aios_error* error) {
  return guarded(error, [&] {
    requirePointer(call, "call: expected what aios_cell_bind made, got NULL");
    call->call();
  });
}

void aios_call_destroy(aios_call* call) { delete call; }

int32_t aios_cell_stream(aios_cell* cell, int64_t batch, aios_stream** stream, aios_error* error) {
  return guarded(error, [&] {
    requirePointer(cell, "cell: expected a cell, got NULL");
    requirePointer(stream, "stream: expected the address of a pointer, got NULL");
    aios_stream made{cell->cell.stream(batch)};
    *stream = std::make_unique<aios_stream>(std::move(made)).release();
  });
}

int32_t aios_stream_step(aios_stream* stream, const aios_tensor* inputs, size_t input_count,
                         const aios_tensor* outputs, size_t output_count, aios_error* error) {
  return guarded(error, [&] {
    requirePointer(stream, "stream: expected what aios_cell_stream made, got NULL");
    Views input_views(inputs, input_count);
    Views output_views(outputs, output_count);
    stream->stream.step(input_views.constSpan(), output_views.span());
  });
}

int32_t aios_stream_reset(aios_stream* stream, aios_error* error) {
  return guarded(error, [&] {
    requirePointer(stream, "stream: expected what aios_cell_stream made, got NULL");
    stream->stream.reset();
  });
}

void aios_stream_free(aios_stream* stream) { delete stream; }

int32_t aios_cell_warmup(aios_cell* cell, size_t iterations, aios_error* error) {
  return guarded(error, [&] {
    requirePointer(cell, "cell: expected a cell, got NULL");
    cell->cell.warmup(iterations);
  });
}

int32_t aios_cell_benchmark(aios_cell* cell, const aios_tensor* inputs, size_t input_count,
                            size_t iterations, aios_benchmark* result, aios_error* error) {
  return guarded(error, [&] {
    requirePointer(cell, "cell: expected a cell, got NULL");
    if (result == nullptr || result->struct_size < sizeof(aios_benchmark)) {
      throwArgument("aios_benchmark: set struct_size");
    }
    Views views(inputs, input_count);
    const aios::BenchmarkResult measured = cell->cell.benchmark(views.constSpan(), iterations);
    result->p50_us = measured.p50_us;
    result->p90_us = measured.p90_us;
    result->p99_us = measured.p99_us;
    result->min_us = measured.min_us;
  });
}
