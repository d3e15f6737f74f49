/* AIOS Cells in C: the performance cell for any language that can call C.
 *
 * Errors. Functions that can fail take an `aios_error*` (may be NULL) that the caller owns, and
 * return 0 or the error's code, which is gRPC's number (3 invalid argument, 4 deadline exceeded,
 * 5 not found, 8 overloaded, 9 failed precondition, 12 unsupported, 13 internal, 14 unavailable,
 * 15 data loss). Nothing is ever thrown or longjmp'ed across this boundary.
 *
 * Structs start with `struct_size`, which the caller sets to sizeof; fields are only appended, and
 * a library reads and writes no field past the size that it is given.
 *
 * Threads. A cell may be used from any thread; aios_cell_destroy only when no call is running.
 *
 * Memory. Everything passed in belongs to the caller and is not kept after the call. Strings that
 * aios_cell_tensor gives live until the cell loads another model, closes or is destroyed. */
#ifndef AIOS_AIOS_H_
#define AIOS_AIOS_H_

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define AIOS_C_EXPORT __attribute__((visibility("default")))
#else
#define AIOS_C_EXPORT
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define AIOS_MAX_RANK 8

/* Element types; the numbers never change. */
typedef enum aios_dtype {
  AIOS_BOOL = 1,
  AIOS_INT8 = 2,
  AIOS_UINT8 = 3,
  AIOS_INT16 = 4,
  AIOS_UINT16 = 5,
  AIOS_INT32 = 6,
  AIOS_UINT32 = 7,
  AIOS_INT64 = 8,
  AIOS_UINT64 = 9,
  AIOS_FLOAT16 = 10,
  AIOS_FLOAT32 = 11,
  AIOS_FLOAT64 = 12,
  AIOS_BFLOAT16 = 14
} aios_dtype;

typedef struct aios_cell aios_cell;
typedef struct aios_call aios_call;
typedef struct aios_stream aios_stream;

typedef struct aios_error {
  uint32_t struct_size;
  int32_t code; /* 0 after success */
  char
      message[512]; /* what was expected, what came, what to do; cut if longer, always terminated */
} aios_error;

typedef struct aios_options {
  uint32_t struct_size;
  int32_t threads;                /* threads that one call may use; 0 counts as 1 */
  const char* engine;             /* NULL: "auto" */
  const char* verify;             /* "quick", "full" or "off"; NULL: "quick" */
  const char* litert_library;     /* NULL: $AIOS_LITERT_LIBRARY, then the loader's path */
  const char* openvino_library;   /* likewise $AIOS_OPENVINO_LIBRARY */
  const char* tensorflow_library; /* likewise $AIOS_TENSORFLOW_LIBRARY */
} aios_options;

/* A C-contiguous tensor in the caller's memory. */
typedef struct aios_tensor {
  uint32_t struct_size;
  int32_t dtype; /* an aios_dtype */
  uint64_t rank;
  int64_t shape[AIOS_MAX_RANK];
  void* data; /* only read for an input */
} aios_tensor;

/* What a signature says of one tensor; -1 in `shape` is any size. */
typedef struct aios_tensor_spec {
  uint32_t struct_size;
  int32_t dtype;
  uint64_t rank;
  int64_t shape[AIOS_MAX_RANK];
  const char* name;
} aios_tensor_spec;

/* Latency of single calls, in microseconds. */
typedef struct aios_benchmark {
  uint32_t struct_size;
  uint32_t reserved;
  double p50_us;
  double p90_us;
  double p99_us;
  double min_us;
} aios_benchmark;

/* "0.1.0" */
AIOS_C_EXPORT const char* aios_version(void);

/* A new cell with no model in *cell. `options` may be NULL. */
AIOS_C_EXPORT int32_t aios_cell_create(const aios_options* options, aios_cell** cell,
                                       aios_error* error);
/* NULL is allowed. */
AIOS_C_EXPORT void aios_cell_destroy(aios_cell* cell);

/* Loads a bundle directory in place of the model loaded before, which stays on an error. */
AIOS_C_EXPORT int32_t aios_cell_load(aios_cell* cell, const char* path, aios_error* error);
/* Gives the model's memory back; later calls fail with 9. */
AIOS_C_EXPORT int32_t aios_cell_close(aios_cell* cell, aios_error* error);

/* The name of the engine that runs, as "litert"; cut to `size` bytes with the terminator. */
AIOS_C_EXPORT int32_t aios_cell_engine(aios_cell* cell, char* name, size_t size, aios_error* error);

/* How many inputs and outputs the default signature has. */
AIOS_C_EXPORT int32_t aios_cell_tensor_counts(aios_cell* cell, size_t* inputs, size_t* outputs,
                                              aios_error* error);
/* The spec of input (is_output 0) or output (1) `index`. */
AIOS_C_EXPORT int32_t aios_cell_tensor(aios_cell* cell, int32_t is_output, size_t index,
                                       aios_tensor_spec* spec, aios_error* error);

/* Answers one batch with the default signature, in its order, into the caller's outputs. Allocates
 * nothing on engines that need not. */
AIOS_C_EXPORT int32_t aios_cell_infer(aios_cell* cell, const aios_tensor* inputs,
                                      size_t input_count, const aios_tensor* outputs,
                                      size_t output_count, aios_error* error);

/* A call with the same tensors every time, at the least cost: they are checked, and the engine is
 * chosen, once. The memory that they point to must outlive the call object, which keeps its model
 * also after the cell has loaded another, closed or gone. For one thread at a time. */
AIOS_C_EXPORT int32_t aios_cell_bind(aios_cell* cell, const aios_tensor* inputs, size_t input_count,
                                     const aios_tensor* outputs, size_t output_count,
                                     aios_call** call, aios_error* error);
/* Answers what is in the inputs now, into the outputs. */
AIOS_C_EXPORT int32_t aios_call_run(aios_call* call, aios_error* error);
/* NULL is allowed. */
AIOS_C_EXPORT void aios_call_destroy(aios_call* call);

/* `batch` streams of the model, which go on together, frame by frame, for one thread at a time. It
 * keeps its model also after the cell has loaded another, closed or gone. Fails with 12 where the
 * bundle was exported without a stream; the message says why. */
AIOS_C_EXPORT int32_t aios_cell_stream(aios_cell* cell, int64_t batch, aios_stream** stream,
                                       aios_error* error);
/* Answers one frame [batch, ...], or a block [batch, frames, ...]. Allocates nothing, takes no
 * lock, makes no system call. What fails with 3 changed nothing. */
AIOS_C_EXPORT int32_t aios_stream_step(aios_stream* stream, const aios_tensor* inputs,
                                       size_t input_count, const aios_tensor* outputs,
                                       size_t output_count, aios_error* error);
/* Forgets every frame: as if just opened. */
AIOS_C_EXPORT int32_t aios_stream_reset(aios_stream* stream, aios_error* error);
/* NULL is allowed. */
AIOS_C_EXPORT void aios_stream_free(aios_stream* stream);

/* Calls on zeros, so that the first real call is as fast as the next. */
AIOS_C_EXPORT int32_t aios_cell_warmup(aios_cell* cell, size_t iterations, aios_error* error);
/* Times `iterations` calls, after 10 % more to warm up. */
AIOS_C_EXPORT int32_t aios_cell_benchmark(aios_cell* cell, const aios_tensor* inputs,
                                          size_t input_count, size_t iterations,
                                          aios_benchmark* result, aios_error* error);

#ifdef __cplusplus
} /* extern "C" */
#endif
#endif /* AIOS_AIOS_H_ */
