// Loads a bundle and prints the most likely class of one sample: classify BUNDLE x0 x1 x2 …
#include <aios/performance_cell.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

int main(int argc, char** argv) {
  if (argc < 3) return std::fprintf(stderr, "usage: classify BUNDLE x0 x1 …\n"), 2;
  std::vector<float> pixels;
  for (int i = 2; i < argc; ++i) pixels.push_back(std::strtof(argv[i], nullptr));
  try {
    aios::TensorFlowPerformanceCell cell;
    cell.loadModel(argv[1]);
    cell.warmup(10);
    const auto features = static_cast<std::int64_t>(pixels.size());
    const auto x = aios::TensorView::of(pixels.data(), {1, features});
    const std::vector<aios::Tensor> y = cell.inference({x});
    const float* begin = y[0].data<float>();
    const float* best = std::max_element(begin, begin + y[0].elements());
    std::printf("%td %.6f\n", best - begin, *best);
  } catch (const aios::Error& error) {
    std::fprintf(stderr, "error %d: %s\n", static_cast<int>(error.code()), error.what());
    return 1;
  }
  return 0;
}
