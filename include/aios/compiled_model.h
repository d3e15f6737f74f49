/* The C ABI between a compiled artifact (`model.so` + `weights.bin`) and the program that runs it.
 *
 * This header is the specification. An artifact is a shared object that exports one data symbol:
 *
 *     const aios_compiled_model aios_compiled_model_v1;
 *
 * It is constant data with relocations only: looking it up and reading it runs no code of the
 * artifact, so a host can check it before it trusts the processor with the rest. A host
 *
 *   1. opens `model.so` (`dlopen(path, RTLD_NOW | RTLD_LOCAL)`) and finds the symbol,
 *   2. checks `abi_version` and `struct_size` (see below),
 *   3. checks that the processor has every bit of `cpu_features`; if not, it must not call `run`,
 *   4. maps `weights.bin` read-only at a 64-byte aligned address (a page is), and checks that it
 * has exactly `weights_bytes` bytes and, if it wants, the SHA-256 `weights_sha256`,
 *   5. allocates one workspace per caller and calls `run`.
 *
 * Versions. `abi_version` changes only when a field's meaning does; a host refuses another value.
 * Fields are only ever appended. Each struct starts with its own size as its writer knew it: a
 * field exists when `offsetof(field) + sizeof(field) <= struct_size`, otherwise it counts as zero.
 *
 * Ownership. Everything reachable from the symbol is constant and lives as long as the artifact is
 * loaded. Weights, workspace, inputs and outputs belong to the caller.
 *
 * This file is plain C99 and C++11 and includes only <stddef.h> and <stdint.h>. */
#ifndef AIOS_COMPILED_MODEL_H_
#define AIOS_COMPILED_MODEL_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define AIOS_NOEXCEPT noexcept
extern "C" {
#else
#define AIOS_NOEXCEPT
#endif

#define AIOS_COMPILED_MODEL_ABI_VERSION 1u

/* The name to give to dlsym. */
#define AIOS_COMPILED_MODEL_SYMBOL "aios_compiled_model_v1"

/* Weights and workspace must start at a multiple of this many bytes. */
#define AIOS_COMPILED_MODEL_ALIGNMENT 64u

/* Element types of tensors; the numbers never change. A bool is one byte, 0 or 1. */
typedef enum aios_compiled_dtype {
  AIOS_COMPILED_FLOAT32 = 1,
  AIOS_COMPILED_INT32 = 2,
  AIOS_COMPILED_INT64 = 3,
  AIOS_COMPILED_UINT8 = 4,
  AIOS_COMPILED_BOOL = 5,
  AIOS_COMPILED_INT8 = 6,
  AIOS_COMPILED_FLOAT16 = 7,
  AIOS_COMPILED_FLOAT64 = 8,
  AIOS_COMPILED_INT16 = 9,
  AIOS_COMPILED_UINT16 = 10,
  AIOS_COMPILED_UINT32 = 11,
  AIOS_COMPILED_UINT64 = 12,
  AIOS_COMPILED_BFLOAT16 = 13
} aios_compiled_dtype;

/* What `run` returns; the numbers are gRPC's status codes. */
enum {
  AIOS_COMPILED_OK = 0,
  AIOS_COMPILED_INVALID_ARGUMENT = 3 /* a batch that this artifact can't do; nothing was written */
};

/* Bits of `cpu_features`: what the compiler was allowed to use. An x86-64 host finds them by cpuid
 * (leaf and register in brackets), and needs the operating system to save the registers too: XCR0
 * bits 1-2 for anything from AVX on, and bits 5-7 for anything from AVX-512F on. */
#define AIOS_CPU_SSE3 (UINT64_C(1) << 0)                /* [1].ecx[0] */
#define AIOS_CPU_SSSE3 (UINT64_C(1) << 1)               /* [1].ecx[9] */
#define AIOS_CPU_SSE4_1 (UINT64_C(1) << 2)              /* [1].ecx[19] */
#define AIOS_CPU_SSE4_2 (UINT64_C(1) << 3)              /* [1].ecx[20] */
#define AIOS_CPU_POPCNT (UINT64_C(1) << 4)              /* [1].ecx[23] */
#define AIOS_CPU_MOVBE (UINT64_C(1) << 5)               /* [1].ecx[22] */
#define AIOS_CPU_AVX (UINT64_C(1) << 6)                 /* [1].ecx[28] */
#define AIOS_CPU_F16C (UINT64_C(1) << 7)                /* [1].ecx[29] */
#define AIOS_CPU_FMA (UINT64_C(1) << 8)                 /* [1].ecx[12] */
#define AIOS_CPU_AVX2 (UINT64_C(1) << 9)                /* [7].ebx[5] */
#define AIOS_CPU_BMI1 (UINT64_C(1) << 10)               /* [7].ebx[3] */
#define AIOS_CPU_BMI2 (UINT64_C(1) << 11)               /* [7].ebx[8] */
#define AIOS_CPU_LZCNT (UINT64_C(1) << 12)              /* [80000001].ecx[5] */
#define AIOS_CPU_AVX512F (UINT64_C(1) << 13)            /* [7].ebx[16] */
#define AIOS_CPU_AVX512DQ (UINT64_C(1) << 14)           /* [7].ebx[17] */
#define AIOS_CPU_AVX512BW (UINT64_C(1) << 15)           /* [7].ebx[30] */
#define AIOS_CPU_AVX512VL (UINT64_C(1) << 16)           /* [7].ebx[31] */
#define AIOS_CPU_AVX512CD (UINT64_C(1) << 17)           /* [7].ebx[28] */
#define AIOS_CPU_AVX512IFMA (UINT64_C(1) << 18)         /* [7].ebx[21] */
#define AIOS_CPU_AVX512VBMI (UINT64_C(1) << 19)         /* [7].ecx[1] */
#define AIOS_CPU_AVX512VBMI2 (UINT64_C(1) << 20)        /* [7].ecx[6] */
#define AIOS_CPU_AVX512VNNI (UINT64_C(1) << 21)         /* [7].ecx[11] */
#define AIOS_CPU_AVX512BITALG (UINT64_C(1) << 22)       /* [7].ecx[12] */
#define AIOS_CPU_AVX512VPOPCNTDQ (UINT64_C(1) << 23)    /* [7].ecx[14] */
#define AIOS_CPU_AVX512BF16 (UINT64_C(1) << 24)         /* [7,1].eax[5] */
#define AIOS_CPU_AVX512FP16 (UINT64_C(1) << 25)         /* [7].edx[23] */
#define AIOS_CPU_AVX512VP2INTERSECT (UINT64_C(1) << 26) /* [7].edx[8] */
#define AIOS_CPU_AVXVNNI (UINT64_C(1) << 27)            /* [7,1].eax[4] */
#define AIOS_CPU_GFNI (UINT64_C(1) << 28)               /* [7].ecx[8] */
#define AIOS_CPU_VAES (UINT64_C(1) << 29)               /* [7].ecx[9] */
#define AIOS_CPU_VPCLMULQDQ (UINT64_C(1) << 30)         /* [7].ecx[10] */
#define AIOS_CPU_ADX (UINT64_C(1) << 31)                /* [7].ebx[19] */
#define AIOS_CPU_NEON (UINT64_C(1) << 32)               /* aarch64: always there */

/* Specifications in columns, which clang-format would break: */
/* clang-format off */

/* A tensor of the signature. */
typedef struct aios_compiled_tensor_spec {
  uint32_t struct_size;
  int32_t dtype;       /* an aios_compiled_dtype */
  const char* name;    /* UTF-8, as in the model's signature */
  uint64_t rank;       /* the number of dimensions */
  const int64_t* dims; /* `rank` sizes; dims[0] is -1 when it is the batch */
  uint64_t bytes;      /* of a sample when dims[0] is -1, else of the tensor; dense, row-major */
} aios_compiled_tensor_spec;

/* Threads that the host lends for one call; optional.
 *
 * `run` calls task(argument, index, lane) for every index in [0, count), each exactly once, at most
 * `lanes` at a time, each with a lane in [0, lanes) that no other running task has, and returns
 * when all have returned. Tasks are independent; none throws, blocks, or calls back. */
typedef struct aios_compiled_parallel {
  uint32_t struct_size;
  uint32_t lanes; /* at least 1; the workspace must hold this many times `workspace_bytes` */
  void* context;  /* handed to `run` */
  void (*run)(void* context, uint32_t count,
              void (*task)(void* argument, uint32_t index, uint32_t lane), void* argument);
} aios_compiled_parallel;

/* A compiled model: what it needs, what it takes and gives, and how to call it. */
typedef struct aios_compiled_model {
  uint32_t struct_size;
  uint32_t abi_version;       /* AIOS_COMPILED_MODEL_ABI_VERSION of the compiler */
  const char* name;           /* the model's name, UTF-8 */
  const char* graph_sha256;   /* hexadecimal, of the graphs that were compiled */
  const char* target;         /* "native", "x86-64-v3", "x86-64-v4", "aarch64" */
  uint64_t cpu_features;      /* AIOS_CPU_…, all needed; a host refuses an unknown bit */
  uint64_t workspace_bytes;   /* of one lane; a multiple of the alignment, 0 if none is needed */
  uint64_t weights_bytes;     /* of weights.bin */
  const char* weights_sha256; /* hexadecimal, of weights.bin */
  uint64_t multiply_adds;     /* of one sample, counted from the shapes */
  uint64_t input_count;
  const aios_compiled_tensor_spec* const* inputs;  /* so many pointers, in the signature's order */
  uint64_t output_count;
  const aios_compiled_tensor_spec* const* outputs; /* likewise */
  uint64_t batch_size_count;
  const int64_t* batch_sizes; /* ascending; the batches that have code of their own */
  uint64_t any_batch;         /* 1: any batch of at least 0 is composed from those; 0: only those */

  /* Computes outputs = model(inputs).
   *
   * inputs, outputs  one pointer per tensor in the signature's order, to dense row-major elements
   *                  of `batch` samples; an address needs only its element's alignment. Outputs
   *                  must not overlap inputs or each other. Inputs are only read.
   * batch            the number of samples; a tensor without a batch dimension ignores it.
   * weights          the mapped weights.bin, 64-byte aligned, only read.
   * workspace        `workspace_bytes` (times `lanes`), 64-byte aligned; contents don't matter
   *                  before or after; one caller at a time.
   * parallel         NULL, or threads that `run` may use when it is worth it.
   *
   * No pointer is checked: none but `parallel` may be null, and the workspace where
   * `workspace_bytes` is 0.
   *
   * Returns AIOS_COMPILED_OK or AIOS_COMPILED_INVALID_ARGUMENT. Any number of threads may call at
   * the same time, each with its own workspace and outputs. A call allocates nothing, takes no
   * lock, makes no system call, and throws nothing: its time depends on `batch` and not on the
   * values, subnormal numbers apart (a host that wants them flushed sets the thread's mode itself).
   */
  int32_t (*run)(const void* const* inputs, void* const* outputs, int64_t batch,
                 const void* weights, void* workspace,
                 const aios_compiled_parallel* parallel) AIOS_NOEXCEPT;
} aios_compiled_model;

/* clang-format on */

#if defined(__cplusplus) && UINTPTR_MAX == UINT64_MAX
static_assert(offsetof(aios_compiled_tensor_spec, dtype) == 4, "ABI");
static_assert(offsetof(aios_compiled_tensor_spec, name) == 8, "ABI");
static_assert(offsetof(aios_compiled_tensor_spec, rank) == 16, "ABI");
static_assert(offsetof(aios_compiled_tensor_spec, dims) == 24, "ABI");
static_assert(offsetof(aios_compiled_tensor_spec, bytes) == 32, "ABI");
static_assert(sizeof(aios_compiled_tensor_spec) == 40, "ABI");
static_assert(offsetof(aios_compiled_parallel, lanes) == 4, "ABI");
static_assert(offsetof(aios_compiled_parallel, context) == 8, "ABI");
static_assert(offsetof(aios_compiled_parallel, run) == 16, "ABI");
static_assert(sizeof(aios_compiled_parallel) == 24, "ABI");
static_assert(offsetof(aios_compiled_model, abi_version) == 4, "ABI");
static_assert(offsetof(aios_compiled_model, name) == 8, "ABI");
static_assert(offsetof(aios_compiled_model, graph_sha256) == 16, "ABI");
static_assert(offsetof(aios_compiled_model, target) == 24, "ABI");
static_assert(offsetof(aios_compiled_model, cpu_features) == 32, "ABI");
static_assert(offsetof(aios_compiled_model, workspace_bytes) == 40, "ABI");
static_assert(offsetof(aios_compiled_model, weights_bytes) == 48, "ABI");
static_assert(offsetof(aios_compiled_model, weights_sha256) == 56, "ABI");
static_assert(offsetof(aios_compiled_model, multiply_adds) == 64, "ABI");
static_assert(offsetof(aios_compiled_model, input_count) == 72, "ABI");
static_assert(offsetof(aios_compiled_model, inputs) == 80, "ABI");
static_assert(offsetof(aios_compiled_model, output_count) == 88, "ABI");
static_assert(offsetof(aios_compiled_model, outputs) == 96, "ABI");
static_assert(offsetof(aios_compiled_model, batch_size_count) == 104, "ABI");
static_assert(offsetof(aios_compiled_model, batch_sizes) == 112, "ABI");
static_assert(offsetof(aios_compiled_model, any_batch) == 120, "ABI");
static_assert(offsetof(aios_compiled_model, run) == 128, "ABI");
static_assert(sizeof(aios_compiled_model) == 136, "ABI");
#endif

#ifdef __cplusplus
} /* extern "C" */
#endif
#endif /* AIOS_COMPILED_MODEL_H_ */
