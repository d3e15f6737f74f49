#include "aios/kernels/recurrent.hpp"

#include <gtest/gtest.h>

#include "reference.hpp"

namespace aios::kernels {
namespace {

using testing::Buffer;
using testing::randomValues;

// Weights as the graph has them: kernel [Gates * Units, Inputs], recurrent [Gates * Units, Units].
struct Weights {
  std::vector<float> kernel, recurrent, input_bias, recurrent_bias;
};

Weights randomWeights(int gates, int inputs, int units) {
  return {randomValues(gates * units * inputs), randomValues(gates * units * units, -0.5f, 0.5f),
          randomValues(gates * units), randomValues(gates * units)};
}

// Mirrors packing._pack_gates: [block][gate][lane] columns.
template <int Gates>
std::vector<float> gateColumns(const std::vector<float>& matrix, int depth, int units,
                               unsigned halved) {
  const int padded = padToLanes(units);
  std::vector<float> columns(depth * padded * Gates, 0.0f);
  for (int k = 0; k < depth; ++k)
    for (int g = 0; g < Gates; ++g)
      for (int u = 0; u < units; ++u)
        columns[(k * (padded / kLanes) + u / kLanes) * Gates * kLanes + g * kLanes + u % kLanes] =
            matrix[(g * units + u) * depth + k] * ((halved >> g & 1u) != 0 ? 0.5f : 1.0f);
  return columns;
}

template <class S, int Gates>
Buffer packRecurrent(const Weights& w, bool with_bias, unsigned halved) {
  const std::vector<float> columns = gateColumns<Gates>(w.recurrent, S::kUnits, S::kUnits, halved);
  std::vector<float> bias = gateColumns<Gates>(w.recurrent_bias, 1, S::kUnits, halved);
  if (!with_bias) bias.assign(bias.size(), 0.0f);
  Buffer packed(kPackedRecurrentFloats<S, Gates>);
  const int width = Gates * kLanes, all = Gates * S::kPaddedUnits;
  std::size_t at = 0;
  for (int block = 0; block < S::kBlocks; ++block)
    for (int k = -1; k < S::kUnits; ++k)
      for (int i = 0; i < width; ++i)
        packed[at++] = k < 0 ? bias[block * width + i] : columns[k * all + block * width + i];
  return packed;
}

template <class S, int Gates>
Buffer packInput(const Weights& w, unsigned halved) {
  return testing::packPanels(gateColumns<Gates>(w.kernel, S::kInputs, S::kUnits, halved),
                             gateColumns<Gates>(w.input_bias, 1, S::kUnits, halved), S::kInputs,
                             S::kPaddedUnits * Gates);
}

double sigmoidOf(double x) { return 1.0 / (1.0 + std::exp(-x)); }

std::vector<double> times(const std::vector<float>& matrix, const double* v, int rows, int depth) {
  std::vector<double> result(rows, 0.0);
  for (int r = 0; r < rows; ++r)
    for (int k = 0; k < depth; ++k) result[r] += matrix[r * depth + k] * v[k];
  return result;
}

enum class Kind { kLstm, kGru, kSimpleRnn };

struct Answer {
  std::vector<double> y, h, c;
};

template <class S, Kind kKind, bool InTime, bool OutTime>
Answer plainRecurrent(const Weights& w, const std::vector<float>& x, const std::vector<float>& h0,
                      const std::vector<float>& c0) {
  constexpr int kUnits = S::kUnits;
  constexpr int kGates = kKind == Kind::kLstm ? 4 : kKind == Kind::kGru ? 3 : 1;
  const bool all = S::kSequence != Sequence::kLast;
  Answer answer;
  answer.y.resize(S::kBatch * kUnits * (all ? S::kSteps : 1));
  for (int b = 0; b < S::kBatch; ++b) {
    std::vector<double> h(kUnits, 0.0), c(kUnits, 0.0);
    for (int u = 0; u < kUnits && !h0.empty(); ++u) h[u] = h0[b * kUnits + u];
    for (int u = 0; u < kUnits && !c0.empty(); ++u) c[u] = c0[b * kUnits + u];
    for (int step = 0; step < S::kSteps; ++step) {
      const int t = S::kBackwards ? S::kSteps - 1 - step : step;
      const int row = InTime ? t * S::kBatch + b : b * S::kSteps + t;
      std::vector<double> input(S::kInputs);
      for (int i = 0; i < S::kInputs; ++i) input[i] = x[row * S::kInputs + i];
      std::vector<double> zx = times(w.kernel, input.data(), kGates * kUnits, S::kInputs);
      std::vector<double> zh = times(w.recurrent, h.data(), kGates * kUnits, kUnits);
      for (int u = 0; u < kUnits; ++u) {
        const auto from_x = [&](int g) {
          return zx[g * kUnits + u] + w.input_bias[g * kUnits + u];
        };
        const auto from_h = [&](int g) { return zh[g * kUnits + u]; };
        const auto sum = [&](int g) { return from_x(g) + from_h(g); };
        if (kKind == Kind::kLstm) {
          c[u] = sigmoidOf(sum(1)) * c[u] + sigmoidOf(sum(0)) * std::tanh(sum(2));
          h[u] = sigmoidOf(sum(3)) * std::tanh(c[u]);
        } else if (kKind == Kind::kGru) {
          const auto bias = [&](int g) { return w.recurrent_bias[g * kUnits + u]; };
          const double z = sigmoidOf(sum(0) + bias(0)), r = sigmoidOf(sum(1) + bias(1));
          h[u] = z * h[u] + (1.0 - z) * std::tanh(from_x(2) + r * (from_h(2) + bias(2)));
        } else {
          h[u] = std::tanh(sum(0));
        }
      }
      const int place = S::kSequence == Sequence::kReversed ? S::kSteps - 1 - step : step;
      const int out = !all ? b : OutTime ? place * S::kBatch + b : b * S::kSteps + place;
      for (int u = 0; u < kUnits; ++u) answer.y[out * kUnits + u] = h[u];
    }
    answer.h.insert(answer.h.end(), h.begin(), h.end());
    answer.c.insert(answer.c.end(), c.begin(), c.end());
  }
  return answer;
}

template <Kind kKind, int B, int T, int I, int U, Sequence kSequence = Sequence::kLast,
          bool kBackwards = false, bool InTime = false, bool OutTime = false>
void checkRecurrent(bool with_state = false) {
  SCOPED_TRACE(::testing::Message() << "B=" << B << " T=" << T << " I=" << I << " U=" << U);
  using S = RecurrentShape<B, T, I, U, kSequence, kBackwards,
                           InTime ? Order::kTimeMajor : Order::kBatchMajor,
                           OutTime ? Order::kTimeMajor : Order::kBatchMajor>;
  constexpr int kGates = kKind == Kind::kLstm ? 4 : kKind == Kind::kGru ? 3 : 1;
  constexpr unsigned kHalved = kKind == Kind::kLstm ? 0b1011u : kKind == Kind::kGru ? 0b011u : 0u;
  const Weights w = randomWeights(kGates, I, U);
  const std::vector<float> x = randomValues(B * T * I);
  const std::vector<float> h0 = with_state ? randomValues(B * U) : std::vector<float>();
  const std::vector<float> c0 = with_state ? randomValues(B * U) : std::vector<float>();
  const Answer expected = plainRecurrent<S, kKind, InTime, OutTime>(w, x, h0, c0);
  const Buffer input = packInput<S, kGates>(w, kHalved);
  const Buffer recurrent = packRecurrent<S, kGates>(w, kKind == Kind::kGru, kHalved);
  ASSERT_EQ(input.size(), (kPackedInputFloats<S, kGates>));
  Buffer scratch(kRecurrentScratch<S, kGates> + 1, NAN);
  std::vector<float> y(expected.y.size() + 1, -77.0f), h(B * U), c(B * U);
  const float* h_start = with_state ? h0.data() : nullptr;
  if constexpr (kKind == Kind::kLstm) {
    lstm<S>(x.data(), input.data(), recurrent.data(), y.data(), scratch.data(), h_start,
            with_state ? c0.data() : nullptr, h.data(), c.data());
    testing::expectClose(c.data(), expected.c);
  } else if constexpr (kKind == Kind::kGru) {
    gru<S>(x.data(), input.data(), recurrent.data(), y.data(), scratch.data(), h_start, h.data());
  } else {
    simpleRnn<S>(x.data(), input.data(), recurrent.data(), y.data(), scratch.data(), h_start,
                 h.data());
  }
  testing::expectClose(y.data(), expected.y);
  testing::expectClose(h.data(), expected.h);
  EXPECT_EQ(y.back(), -77.0f);
  EXPECT_TRUE(std::isnan(scratch[kRecurrentScratch<S, kGates>]));
}

TEST(Recurrent, LstmMatchesAPlainLoop) {
  checkRecurrent<Kind::kLstm, 1, 32, 8, 32>();
  checkRecurrent<Kind::kLstm, 1, 5, 3, 1>();
  checkRecurrent<Kind::kLstm, 1, 7, 9, 21, Sequence::kAll>();
  checkRecurrent<Kind::kLstm, 8, 6, 4, 10, Sequence::kAll>(true);
  checkRecurrent<Kind::kLstm, 3, 4, 5, 70>(true);
  checkRecurrent<Kind::kLstm, 13, 3, 2, 17>();
}

TEST(Recurrent, GruMatchesAPlainLoop) {
  checkRecurrent<Kind::kGru, 1, 50, 16, 64>();
  checkRecurrent<Kind::kGru, 1, 5, 3, 5, Sequence::kAll>(true);
  checkRecurrent<Kind::kGru, 8, 6, 4, 33>();
  checkRecurrent<Kind::kGru, 9, 4, 4, 16, Sequence::kAll>(true);
  checkRecurrent<Kind::kGru, 2, 3, 4, 130>();
}

TEST(Recurrent, SimpleRnnMatchesAPlainLoop) {
  checkRecurrent<Kind::kSimpleRnn, 1, 12, 6, 24, Sequence::kAll>();
  checkRecurrent<Kind::kSimpleRnn, 1, 1, 1, 1>();
  checkRecurrent<Kind::kSimpleRnn, 5, 9, 3, 40>(true);
}

TEST(Recurrent, RunsBackwardsAndWritesReversed) {
  checkRecurrent<Kind::kLstm, 2, 5, 3, 18, Sequence::kAll, true>();
  checkRecurrent<Kind::kLstm, 2, 5, 3, 18, Sequence::kReversed, true>();
  checkRecurrent<Kind::kGru, 1, 5, 3, 18, Sequence::kReversed, true>();
  checkRecurrent<Kind::kSimpleRnn, 1, 5, 3, 18, Sequence::kLast, true>();
}

TEST(Recurrent, ReadsAndWritesTimeMajor) {
  checkRecurrent<Kind::kLstm, 3, 5, 4, 18, Sequence::kAll, false, true, false>();
  checkRecurrent<Kind::kGru, 3, 5, 4, 18, Sequence::kAll, true, true, true>();
  checkRecurrent<Kind::kSimpleRnn, 3, 5, 4, 18, Sequence::kReversed, false, false, true>();
}

}  // namespace
}  // namespace aios::kernels
