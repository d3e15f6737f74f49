/* A compiled artifact written by hand, so that the tests in C++ load a whole bundle without a
 * compiler, a vendor's library or Python: y = x * weights[0], z = x + weights[1], of rows of two
 * floats. It reads its weights at every call. */
#include "aios/compiled_model.h"

#ifndef FIRST_OUTPUT
#define FIRST_OUTPUT "y"
#endif

static int32_t run(const void* const* inputs, void* const* outputs, int64_t batch,
                   const void* weights, void* workspace, const aios_compiled_parallel* parallel) {
  const float* x = inputs[0];
  const float* w = weights;
  float* y = outputs[0];
  float* z = outputs[1];
  (void)workspace;
  (void)parallel;
  for (int64_t i = 0; i < 2 * batch; ++i) {
    y[i] = x[i] * w[0];
    z[i] = x[i] + w[1];
  }
  return AIOS_COMPILED_OK;
}

static const int64_t dims[] = {-1, 2};
static const int64_t batch_sizes[] = {1};

#define SPEC(variable, its_name)                                                        \
  static const aios_compiled_tensor_spec variable = {sizeof(aios_compiled_tensor_spec), \
                                                     AIOS_COMPILED_FLOAT32,             \
                                                     its_name,                          \
                                                     2,                                 \
                                                     dims,                              \
                                                     2 * sizeof(float)}
SPEC(x_spec, "x");
SPEC(y_spec, FIRST_OUTPUT);
SPEC(z_spec, "z");
static const aios_compiled_tensor_spec* const input_specs[] = {&x_spec};
static const aios_compiled_tensor_spec* const output_specs[] = {&y_spec, &z_spec};

__attribute__((visibility("default"))) const aios_compiled_model aios_compiled_model_v1 = {
    .struct_size = sizeof(aios_compiled_model),
    .abi_version = AIOS_COMPILED_MODEL_ABI_VERSION,
    .name = "tiny",
    .graph_sha256 = "",
    .target = "native",
    .weights_bytes = 2 * sizeof(float),
    .weights_sha256 = "",
    .input_count = 1,
    .inputs = input_specs,
    .output_count = 2,
    .outputs = output_specs,
    .batch_size_count = 1,
    .batch_sizes = batch_sizes,
    .any_batch = 1,
    .run = run,
};
