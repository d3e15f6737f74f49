/* Loads a bundle and prints the most likely class of one sample: classify BUNDLE x0 x1 x2 … */
#include <aios/aios.h>
#include <stdio.h>
#include <stdlib.h>

static int failed(const aios_error* error) {
  fprintf(stderr, "error %d: %s\n", error->code, error->message);
  return 1;
}

int main(int argc, char** argv) {
  if (argc < 3) return fprintf(stderr, "usage: classify BUNDLE x0 x1 …\n"), 2;
  aios_error error = {.struct_size = sizeof error};
  aios_cell* cell = NULL;
  if (aios_cell_create(NULL, &cell, &error) || aios_cell_load(cell, argv[1], &error)) {
    aios_cell_destroy(cell);
    return failed(&error);
  }

  aios_tensor_spec answer = {.struct_size = sizeof answer};
  if (aios_cell_tensor(cell, 1, 0, &answer, &error)) return failed(&error);
  const int64_t features = argc - 2;
  const int64_t classes = answer.shape[1];
  float* x = malloc(sizeof(float) * features);
  float* y = malloc(sizeof(float) * classes);
  for (int64_t i = 0; i < features; ++i) x[i] = strtof(argv[i + 2], NULL);

  const aios_tensor input = {sizeof input, AIOS_FLOAT32, 2, {1, features}, x};
  const aios_tensor output = {sizeof output, AIOS_FLOAT32, 2, {1, classes}, y};
  const int code = aios_cell_infer(cell, &input, 1, &output, 1, &error);
  if (code == 0) {
    int64_t best = 0;
    for (int64_t i = 1; i < classes; ++i) best = y[i] > y[best] ? i : best;
    printf("%lld %.6f\n", (long long)best, y[best]);
  }
  free(x);
  free(y);
  aios_cell_destroy(cell);
  return code == 0 ? 0 : failed(&error);
}
