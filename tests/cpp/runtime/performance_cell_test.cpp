#include "aios/performance_cell.hpp"

#include "expect_error.hpp"

namespace aios {
namespace {

TEST(PerformanceCell, RefusesOptionsOutOfRange) {
  TensorFlowPerformanceCell cell;
  CellOptions options;
  options.engine = "abacus";
  EXPECT_AIOS_ERROR(cell.initialize(options), kInvalidArgument, "got 'abacus'");
  options.engine = "litert";
  options.threads = 0;
  EXPECT_AIOS_ERROR(cell.initialize(options), kInvalidArgument, "threads: expected 1 or more");
}

TEST(PerformanceCell, RefusesCallsWhileNothingIsLoaded) {
  TensorFlowPerformanceCell cell;
  float pixel = 0;
  EXPECT_AIOS_ERROR(cell.inference({TensorView::of(&pixel, {1, 1})}), kFailedPrecondition,
                    "no model is loaded");
  EXPECT_AIOS_ERROR(cell.signature(), kFailedPrecondition, "no model is loaded");
  cell.close();
  EXPECT_AIOS_ERROR(cell.engine(), kFailedPrecondition, "no model is loaded");
}

TEST(PerformanceCell, SaysThatThereIsNoBundle) {
  TensorFlowPerformanceCell cell;
  EXPECT_AIOS_ERROR(cell.loadModel("/nowhere/digits.cell"), kNotFound, "/nowhere/digits.cell");
}

}  // namespace
}  // namespace aios
