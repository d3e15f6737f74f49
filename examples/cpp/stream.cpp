// Prints the most likely class of each sample on standard input, numbers in a row: stream BUNDLE
#include <aios/performance_cell.hpp>
#include <algorithm>
#include <cstdio>
#include <iostream>
#include <vector>

int main(int argc, char** argv) {
  if (argc != 2) return std::fprintf(stderr, "usage: stream BUNDLE < samples\n"), 2;
  try {
    aios::TensorFlowPerformanceCell cell;
    cell.loadModel(argv[1]);
    const aios::Signature signature = cell.signature();
    std::vector<float> x(static_cast<std::size_t>(signature.inputs[0].shape[1]));
    std::vector<float> y(static_cast<std::size_t>(signature.outputs[0].shape[1]));
    std::vector inputs = {aios::TensorView::of(x.data(), {1, signature.inputs[0].shape[1]})};
    std::vector outputs = {aios::TensorView::of(y.data(), {1, signature.outputs[0].shape[1]})};
    aios::BoundCall call = cell.bind(inputs, outputs);  // the tensors are checked here, once
    const auto readSample = [&] {
      return std::all_of(x.begin(), x.end(), [](float& value) { return bool(std::cin >> value); });
    };
    while (readSample()) {
      call();  // no check, no lock, no allocation
      const auto best = std::max_element(y.begin(), y.end());
      std::printf("%td %.6f\n", best - y.begin(), *best);
    }
  } catch (const aios::Error& error) {
    std::fprintf(stderr, "error %d: %s\n", static_cast<int>(error.code()), error.what());
    return 1;
  }
  return 0;
}
