/* Compiles the public C header as C99. */
#include "aios/compiled_model.h"

uint64_t aiosDescriptorBytes(const aios_compiled_model* model);

uint64_t aiosDescriptorBytes(const aios_compiled_model* model) {
  return model->struct_size + model->inputs[0]->struct_size;
}
