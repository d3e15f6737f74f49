/* The step of a stream, written by hand as tiny_model.c is: a frame x of two floats and what was
 * added up before go in; y is the sum so far, which is also what is kept. */
#include "aios/compiled_model.h"

static int32_t run(const void* const* inputs, void* const* outputs, int64_t batch,
                   const void* weights, void* workspace, const aios_compiled_parallel* parallel) {
  const float* x = inputs[0];
  const float* before = inputs[1];
  float* y = outputs[0];
  float* after = outputs[1];
  (void)weights;
  (void)workspace;
  (void)parallel;
  for (int64_t i = 0; i < 2 * batch; ++i) {
    after[i] = before[i] + x[i];
    y[i] = after[i];
  }
  return AIOS_COMPILED_OK;
}

static const int64_t frame_dims[] = {-1, 1, 2};
static const int64_t state_dims[] = {-1, 2};
static const int64_t batch_sizes[] = {1};

#define SPEC(variable, its_name, its_rank, its_dims)                                    \
  static const aios_compiled_tensor_spec variable = {sizeof(aios_compiled_tensor_spec), \
                                                     AIOS_COMPILED_FLOAT32,             \
                                                     its_name,                          \
                                                     its_rank,                          \
                                                     its_dims,                          \
                                                     2 * sizeof(float)}
SPEC(x_spec, "x", 3, frame_dims);
SPEC(before_spec, "before", 2, state_dims);
SPEC(y_spec, "y", 3, frame_dims);
SPEC(after_spec, "after", 2, state_dims);
static const aios_compiled_tensor_spec* const input_specs[] = {&x_spec, &before_spec};
static const aios_compiled_tensor_spec* const output_specs[] = {&y_spec, &after_spec};

__attribute__((visibility("default"))) const aios_compiled_model aios_compiled_model_v1 = {
    .struct_size = sizeof(aios_compiled_model),
    .abi_version = AIOS_COMPILED_MODEL_ABI_VERSION,
    .name = "tiny_step",
    .graph_sha256 = "",
    .target = "native",
    .weights_bytes = 0,
    .weights_sha256 = "",
    .input_count = 2,
    .inputs = input_specs,
    .output_count = 2,
    .outputs = output_specs,
    .batch_size_count = 1,
    .batch_sizes = batch_sizes,
    .any_batch = 1,
    .run = run,
};
