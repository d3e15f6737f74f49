#include "aios/kernels/artifact.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace aios::kernels {
namespace {

// Doubles each sample of two floats; leaves a mark in the arena that it was given.
void doubleSamples(const void* const* inputs, void* const* outputs, std::int64_t first,
                   std::int64_t count, Weights weights, Arena arena) noexcept {
  const auto* x = static_cast<const float*>(inputs[0]) + first * 2;
  auto* y = static_cast<float*>(outputs[0]) + first * 2;
  for (std::int64_t i = 0; i < 2 * count; ++i) y[i] = x[i] * *weights.at<float>(0);
  *arena.at<std::int64_t>(0) += count;
}

struct Call {
  std::vector<float> x, y;
  float factor = 2.0f;
  std::int64_t arenas[4][8] = {};

  explicit Call(std::int64_t batch) : x(batch * 2), y(batch * 2) {
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i) + 1.0f;
  }
  template <std::int64_t Granule, std::int64_t MinPiece>
  std::int32_t run(std::int64_t batch, const aios_compiled_parallel* parallel) {
    const void* inputs[] = {x.data()};
    void* outputs[] = {y.data()};
    return runBatch<doubleSamples, 64, Granule, MinPiece>(inputs, outputs, batch, &factor, arenas,
                                                          parallel);
  }
  void expectDone() const {
    for (std::size_t i = 0; i < x.size(); ++i) ASSERT_EQ(y[i], 2.0f * x[i]) << i;
  }
};

struct Pool {
  std::uint32_t asked = 0;
  static void run(void* context, std::uint32_t count,
                  void (*task)(void*, std::uint32_t, std::uint32_t), void* argument) {
    static_cast<Pool*>(context)->asked = count;
    for (std::uint32_t i = count; i-- > 0;) task(argument, i, i % 4);
  }
};

TEST(RunBatch, RefusesANegativeBatchAndAcceptsNone) {
  Call call(1);
  EXPECT_EQ((call.run<1, 1>(-1, nullptr)), AIOS_COMPILED_INVALID_ARGUMENT);
  EXPECT_EQ((call.run<1, 1>(0, nullptr)), AIOS_COMPILED_OK);
  EXPECT_EQ(call.y[0], 0.0f);
}

TEST(RunBatch, StaysInTheCallersThreadWhenThereIsLittleToDo) {
  Pool pool;
  const aios_compiled_parallel parallel = {sizeof(parallel), 4, &pool, &Pool::run};
  Call call(19);
  EXPECT_EQ((call.run<8, 10>(19, &parallel)), AIOS_COMPILED_OK);
  call.expectDone();
  EXPECT_EQ(pool.asked, 0u);
  EXPECT_EQ(call.arenas[0][0], 19);
}

TEST(RunBatch, CutsALargeBatchIntoWholeGranulesForTheHostsThreads) {
  Pool pool;
  const aios_compiled_parallel parallel = {sizeof(parallel), 4, &pool, &Pool::run};
  Call call(101);
  EXPECT_EQ((call.run<8, 10>(101, &parallel)), AIOS_COMPILED_OK);
  call.expectDone();
  EXPECT_EQ(pool.asked, 4u);  // 26 samples a lane, rounded up to 32
  EXPECT_EQ(call.arenas[0][0], 32);
  EXPECT_EQ(call.arenas[3][0], 5);
}

TEST(Lanes, CoverEveryTaskOnceWithTheLanesOwnArenas) {
  for (std::uint32_t lanes : {2u, 3u, 4u}) {
    for (int tasks : {1, 2, 3, 7, 64}) {
      Pool pool;
      const aios_compiled_parallel parallel = {sizeof(parallel), lanes, &pool, &Pool::run};
      std::int64_t arenas[4][8] = {};
      std::vector<int> done(tasks, 0);
      int* counts = done.data();
      Lanes(&parallel, arenas, sizeof(arenas[0])).share(tasks, [=](int begin, int end, Arena own) {
        for (int i = begin; i < end; ++i) ++counts[i];
        *own.at<std::int64_t>(0) += end - begin;
      });
      EXPECT_EQ(done, std::vector<int>(tasks, 1)) << tasks << " tasks on " << lanes;
      EXPECT_EQ(arenas[0][0] + arenas[1][0] + arenas[2][0] + arenas[3][0], tasks);
      EXPECT_EQ(pool.asked, tasks == 1 ? 0u : std::min<std::uint32_t>(tasks, lanes));
    }
  }
}

TEST(FillBatch, RepeatsSamplesUntilTheBatchIsFull) {
  const float x[4] = {1, 2, 3, 4};
  float y[10];
  fillBatch<5, 2>(x, 2, y);
  const float expected[10] = {1, 2, 3, 4, 1, 2, 3, 4, 1, 2};
  for (int i = 0; i < 10; ++i) EXPECT_EQ(y[i], expected[i]);
  float back[4] = {};
  takeSamples<2>(y, 2, back);
  EXPECT_EQ(back[3], 4.0f);
}

}  // namespace
}  // namespace aios::kernels
