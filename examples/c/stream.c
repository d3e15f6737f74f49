/* Prints the most likely class of each sample on standard input, numbers in a row: stream BUNDLE */
#include <aios/aios.h>
#include <stdio.h>
#include <stdlib.h>

static int failed(const aios_error* error) {
  fprintf(stderr, "error %d: %s\n", error->code, error->message);
  return 1;
}

int main(int argc, char** argv) {
  if (argc != 2) return fprintf(stderr, "usage: stream BUNDLE < samples\n"), 2;
  aios_error error = {.struct_size = sizeof error};
  aios_cell* cell = NULL;
  aios_tensor_spec x_spec = {.struct_size = sizeof x_spec}, y_spec = x_spec;
  if (aios_cell_create(NULL, &cell, &error) || aios_cell_load(cell, argv[1], &error) ||
      aios_cell_tensor(cell, 0, 0, &x_spec, &error) ||
      aios_cell_tensor(cell, 1, 0, &y_spec, &error)) {
    aios_cell_destroy(cell);
    return failed(&error);
  }

  const int64_t features = x_spec.shape[1], classes = y_spec.shape[1];
  float* x = calloc(features, sizeof(float));
  float* y = calloc(classes, sizeof(float));
  const aios_tensor input = {sizeof input, AIOS_FLOAT32, 2, {1, features}, x};
  const aios_tensor output = {sizeof output, AIOS_FLOAT32, 2, {1, classes}, y};
  aios_call* call = NULL; /* the tensors are checked here, once */
  int code = aios_cell_bind(cell, &input, 1, &output, 1, &call, &error);
  while (code == 0) {
    int64_t read = 0;
    while (read < features && scanf("%f", &x[read]) == 1) ++read;
    if (read < features) break;
    code = aios_call_run(call, &error); /* no check, no lock, no allocation */
    int64_t best = 0;
    for (int64_t i = 1; i < classes; ++i) best = y[i] > y[best] ? i : best;
    printf("%lld %.6f\n", (long long)best, y[best]);
  }
  aios_call_destroy(call);
  free(x);
  free(y);
  aios_cell_destroy(cell);
  return code == 0 ? 0 : failed(&error);
}
