// Whole recurrent layers: LSTM, GRU and SimpleRNN over a sequence, any batch, in one call.
//
// The inputs of all steps are projected by one matrix product; then each step multiplies the state
// by the recurrent weights and updates it in registers. Units go in blocks of one vector, and the
// gates of a block lie side by side in the weights: [block][k][gate][lane], each block a bias row
// first. `packing.pack_lstm`, `pack_gru` and `pack_simple_rnn` write both matrices. Padded units
// stay zero.
//
// A layer needs `kRecurrentScratch<S, Gates>` floats of scratch (aligned to 64 bytes). Initial
// states may be null (zeros), final states null (not wanted); both are [Batch, Units].
#pragma once

#include <type_traits>

#include "aios/kernels/dense.hpp"
#include "aios/kernels/tile.hpp"

namespace aios::kernels {

// What a layer writes to y.
enum class Sequence {
  kLast,      // the last step's output, [Batch, Units]
  kAll,       // every step's output in the order of computing
  kReversed,  // every step's output, last computed first
};
enum class Order { kBatchMajor, kTimeMajor };

// x is [Batch, Steps, Inputs] or, time-major, [Steps, Batch, Inputs]; y likewise. Backwards reads x
// from its last step to its first.
template <int Batch, int Steps, int Inputs, int Units, Sequence Out = Sequence::kLast,
          bool Backwards = false, Order InOrder = Order::kBatchMajor,
          Order OutOrder = Order::kBatchMajor>
struct RecurrentShape {
  static constexpr int kBatch = Batch, kSteps = Steps, kInputs = Inputs, kUnits = Units;
  static constexpr int kBlocks = vectorsFor(Units);
  static constexpr int kPaddedUnits = kBlocks * kLanes;
  static constexpr bool kBackwards = Backwards;
  static constexpr Sequence kSequence = Out;

  // Row of the projected inputs for what is computed as step number `step`.
  static constexpr int inputRow(int batch, int step) {
    const int at = Backwards ? Steps - 1 - step : step;
    return InOrder == Order::kBatchMajor ? batch * Steps + at : at * Batch + batch;
  }
  static constexpr int outputRow(int batch, int step) {
    const int at = Out == Sequence::kReversed ? Steps - 1 - step : step;
    return OutOrder == Order::kBatchMajor ? batch * Steps + at : at * Batch + batch;
  }
};

inline constexpr int kLstmGates = 4, kGruGates = 3, kSimpleRnnGates = 1;

// Floats of scratch: the projected inputs, two outputs and two more states of each row.
template <class S, int Gates>
inline constexpr std::size_t kRecurrentScratch =
    static_cast<std::size_t>(S::kBatch) * S::kPaddedUnits * (S::kSteps * Gates + 4);

// Floats of the two packed matrices.
template <class S, int Gates>
inline constexpr std::size_t kPackedInputFloats = packedFloats(S::kInputs, S::kPaddedUnits* Gates);
template <class S, int Gates>
inline constexpr std::size_t kPackedRecurrentFloats =
    static_cast<std::size_t>(S::kUnits + 1) * S::kPaddedUnits * Gates;

namespace detail {

// One state value times its row of weights in neighbouring blocks.
template <int Gates, int Blocks, int BlockFloats>
AIOS_KERNEL void addState(Vec (&sums)[Blocks][Gates], const float* __restrict state,
                          const float* __restrict weights) {
  const Vec value = splat(*state);
  AIOS_UNROLL
  for (int b = 0; b < Blocks; ++b) {
    AIOS_UNROLL
    for (int g = 0; g < Gates; ++g)
      sums[b][g] = sums[b][g] + value * load(weights + b * BlockFloats + g * kLanes);
  }
}

// sums[b][g] = bias + Σ_k state[k] weights[b][k][g] for one row and neighbouring blocks of units,
// in enough independent chains that no addition waits for the one before it.
template <int Gates, int Depth, int Blocks, bool Descending>
AIOS_KERNEL void rowSums(Vec (&sums)[Blocks][Gates], const float* __restrict state,
                         const float* __restrict block) {
  constexpr int kChains = Gates * Blocks;
  constexpr int kSplit = kChains >= 8 ? 1 : kChains >= 4 ? 2 : kChains == 3 ? 4 : 8;
  constexpr int kWidth = Gates * kLanes;
  constexpr int kBlockFloats = (Depth + 1) * kWidth;
  const float* __restrict weights = block + kWidth;
  Vec acc[kSplit][Blocks][Gates];
  AIOS_UNROLL
  for (int b = 0; b < Blocks; ++b) {
    AIOS_UNROLL
    for (int g = 0; g < Gates; ++g) {
      acc[0][b][g] = load(block + b * kBlockFloats + g * kLanes);
      AIOS_UNROLL
      for (int s = 1; s < kSplit; ++s) acc[s][b][g] = Vec{};
    }
  }
  constexpr int kWhole = Depth / kSplit * kSplit;
#pragma GCC unroll 2
  for (int i = 0; i < kWhole; i += kSplit) {
    const int k = Descending ? kWhole - kSplit - i : i;
    AIOS_UNROLL
    for (int s = 0; s < kSplit; ++s)
      addState<Gates, Blocks, kBlockFloats>(acc[s], state + k + s, weights + (k + s) * kWidth);
  }
  AIOS_UNROLL
  for (int s = 0; s < Depth - kWhole; ++s)
    addState<Gates, Blocks, kBlockFloats>(acc[s], state + kWhole + s,
                                          weights + (kWhole + s) * kWidth);
  AIOS_UNROLL
  for (int width = 1; width < kSplit; width *= 2) {
    AIOS_UNROLL
    for (int s = 0; s + width < kSplit; s += 2 * width) {
      AIOS_UNROLL
      for (int b = 0; b < Blocks; ++b) {
        AIOS_UNROLL
        for (int g = 0; g < Gates; ++g) acc[s][b][g] = acc[s][b][g] + acc[s + width][b][g];
      }
    }
  }
  AIOS_UNROLL
  for (int b = 0; b < Blocks; ++b) {
    AIOS_UNROLL
    for (int g = 0; g < Gates; ++g) sums[b][g] = acc[0][b][g];
  }
}

// The same for several rows of a batch and one block.
template <int Gates, int Depth, int Stride, int Rows>
AIOS_KERNEL void tileSums(Vec (&sums)[Rows][Gates], const float* __restrict state,
                          const float* __restrict block) {
  Accumulators<Rows, Gates> acc;
  startFromBias(acc, block);
  multiplyPanel<Rows, Gates, MatrixWalk<Depth, Stride>>(acc, state, block);
  AIOS_UNROLL
  for (int r = 0; r < Rows; ++r) {
    AIOS_UNROLL
    for (int g = 0; g < Gates; ++g) sums[r][g] = acc.v[r][g];
  }
}

// One step of one row for neighbouring blocks of units.
template <class S, class Cell, int Blocks, bool Descending>
AIOS_KERNEL void stepRow(const float* projected, const float* __restrict recurrent,
                         const float* __restrict state, float* __restrict next, float* memory,
                         int step, int row, int block) {
  constexpr int kGates = Cell::kGates;
  Vec sums[Blocks][kGates];
  rowSums<kGates, S::kUnits, Blocks, Descending>(
      sums, state + row * S::kPaddedUnits, recurrent + block * (S::kUnits + 1) * kGates * kLanes);
  const float* from = projected +
                      static_cast<std::size_t>(S::inputRow(row, step)) * kGates * S::kPaddedUnits +
                      block * kGates * kLanes;
  AIOS_UNROLL
  for (int b = 0; b < Blocks; ++b) {
    const int at = row * S::kPaddedUnits + (block + b) * kLanes;
    store(next + at,
          Cell::update(from + b * kGates * kLanes, sums[b], load(state + at), memory + at));
  }
}

// One step of rows [row, row + Rows) for one block of units.
template <class S, class Cell, int Rows>
AIOS_KERNEL void stepBlock(const float* projected, const float* __restrict recurrent,
                           const float* __restrict state, float* __restrict next, float* memory,
                           int step, int row, int block) {
  constexpr int kGates = Cell::kGates;
  constexpr int kWidth = kGates * S::kPaddedUnits;
  Vec sums[Rows][kGates];
  tileSums<kGates, S::kUnits, S::kPaddedUnits>(
      sums, state + row * S::kPaddedUnits, recurrent + block * (S::kUnits + 1) * kGates * kLanes);
  AIOS_UNROLL
  for (int r = 0; r < Rows; ++r) {
    const std::size_t from = static_cast<std::size_t>(S::inputRow(row + r, step)) * kWidth;
    const int at = (row + r) * S::kPaddedUnits + block * kLanes;
    store(next + at, Cell::update(projected + from + block * kGates * kLanes, sums[r],
                                  load(state + at), memory + at));
  }
}

// Block order and order of the sums. What a step finishes last, the next step reads last.
enum class Sweep {
  kForward,  // every step alike
  kUp,       // in turn with kDown: a step starts with the weights that the cache saw last
  kDown,
};

// Blocks whose sums are taken together at batch 1: fewer broadcasts, but later first results.
constexpr int rowBlocksTogether(int blocks, int gates) {
  int most = kRowSums / gates;
  if (most < 1) most = 1;
  return most < blocks ? most : blocks;
}

template <class S, class Cell, int Rows, Sweep kSweep>
AIOS_KERNEL void stepRows(const float* projected, const float* recurrent, const float* state,
                          float* next, float* memory, int step, int row) {
  if constexpr (Rows == 1) {
    constexpr int kGroup = rowBlocksTogether(S::kBlocks, Cell::kGates);
    constexpr bool kDescending = kSweep == Sweep::kUp;
    constexpr int kWhole = S::kBlocks / kGroup * kGroup;
    const auto rest = [&]() __attribute__((always_inline, nothrow)) {
      if constexpr (kWhole < S::kBlocks)
        stepRow<S, Cell, S::kBlocks - kWhole, kDescending>(projected, recurrent, state, next,
                                                           memory, step, row, kWhole);
    };
    if (kSweep == Sweep::kDown) rest();
    for (int i = 0; i < kWhole; i += kGroup) {
      const int block = kSweep == Sweep::kDown ? kWhole - kGroup - i : i;
      stepRow<S, Cell, kGroup, kDescending>(projected, recurrent, state, next, memory, step, row,
                                            block);
    }
    if (kSweep != Sweep::kDown) rest();
  } else {
    for (int block = 0; block < S::kBlocks; ++block)
      stepBlock<S, Cell, Rows>(projected, recurrent, state, next, memory, step, row, block);
  }
}

// Copies the valid units of all rows.
template <class S>
AIOS_KERNEL void copyState(const float* from, int from_stride, float* to, int to_stride) {
  constexpr int kWhole = S::kUnits / kLanes * kLanes;
  for (int row = 0; row < S::kBatch; ++row) {
    for (int i = 0; i < kWhole; i += kLanes)
      store(to + row * to_stride + i, load(from + row * from_stride + i));
    if constexpr (kWhole < S::kUnits)
      storePartial<S::kUnits - kWhole>(
          to + row * to_stride + kWhole,
          loadPartial<S::kUnits - kWhole>(from + row * from_stride + kWhole));
  }
}

template <class S>
AIOS_KERNEL void startState(const float* initial, float* state) {
  for (int i = 0; i < S::kBatch * S::kPaddedUnits; i += kLanes) store(state + i, Vec{});
  if (initial != nullptr) copyState<S>(initial, S::kUnits, state, S::kPaddedUnits);
}

// Whether going up and down the weights in turn pays: they don't fit in a first-level cache.
template <class S, int Gates>
inline constexpr bool kZigzag = S::kBlocks > 1 && kPackedRecurrentFloats<S, Gates> * 4 > 40 * 1024;

// Rows of a batch in a tile. With 16 registers an LSTM's sums would leave none for its update.
constexpr int rowsTogether(int gates) {
  return kRegisters == 16 && gates == kLstmGates ? 2 : tileRows(gates);
}

template <class S, class Cell, Sweep kSweep>
AIOS_KERNEL void stepBatch(const float* projected, const float* recurrent, const float* state,
                           float* next, float* memory, int step) {
  constexpr int kMost = rowsTogether(Cell::kGates);
  constexpr int kTiles = (S::kBatch + kMost - 1) / kMost;
  constexpr int kShort = S::kBatch / kTiles;
  constexpr int kTall = S::kBatch % kTiles;
  int row = 0;
  if constexpr (kTall > 0) {
    for (; row < kTall * (kShort + 1); row += kShort + 1)
      stepRows<S, Cell, kShort + 1, kSweep>(projected, recurrent, state, next, memory, step, row);
  }
  for (; row < S::kBatch; row += kShort)
    stepRows<S, Cell, kShort, kSweep>(projected, recurrent, state, next, memory, step, row);
}

template <class S>
AIOS_KERNEL void emitStep(const float* state, float* y, int step) {
  for (int row = 0; row < S::kBatch; ++row)
    for (int i = 0; i < S::kBlocks; ++i) {
      float* to = y + static_cast<std::size_t>(S::outputRow(row, step)) * S::kUnits + i * kLanes;
      const Vec v = load(state + row * S::kPaddedUnits + i * kLanes);
      constexpr int kLast = S::kUnits - (S::kBlocks - 1) * kLanes;
      if (i + 1 < S::kBlocks) {
        store(to, v);
      } else {
        storePartial<kLast>(to, v);
      }
    }
}

template <class S, class Cell>
AIOS_KERNEL void runCell(const float* __restrict x, const float* __restrict input_weights,
                         const float* __restrict recurrent, float* y, float* __restrict scratch,
                         const float* h0, const float* c0, float* h_end, float* c_end) {
  constexpr int kState = S::kBatch * S::kPaddedUnits;
  float* projected = scratch + 4 * kState;
  float* state = scratch;
  float* next = scratch + kState;
  float* memory = scratch + 2 * kState;
  startState<S>(h0, state);
  if constexpr (Cell::kHasMemory) startState<S>(c0, memory);
  dense<S::kBatch * S::kSteps, S::kInputs, S::kPaddedUnits * Cell::kGates>(x, input_weights,
                                                                           projected);
  for (int step = 0; step < S::kSteps; ++step) {
    if constexpr (!kZigzag<S, Cell::kGates>) {
      stepBatch<S, Cell, Sweep::kForward>(projected, recurrent, state, next, memory, step);
    } else if ((step & 1) == 0) {
      stepBatch<S, Cell, Sweep::kUp>(projected, recurrent, state, next, memory, step);
    } else {
      stepBatch<S, Cell, Sweep::kDown>(projected, recurrent, state, next, memory, step);
    }
    if constexpr (S::kSequence != Sequence::kLast) emitStep<S>(next, y, step);
    float* const previous = state;
    state = next;
    next = previous;
  }
  if constexpr (S::kSequence == Sequence::kLast) copyState<S>(state, S::kPaddedUnits, y, S::kUnits);
  if (h_end != nullptr) copyState<S>(state, S::kPaddedUnits, h_end, S::kUnits);
  if constexpr (Cell::kHasMemory) {
    if (c_end != nullptr) copyState<S>(memory, S::kPaddedUnits, c_end, S::kUnits);
  }
}

// c' = f c + i g; h' = o act(c'). Gates in the order i, f, g, o.
template <class Gate, class Activation>
struct LstmCell {
  static constexpr int kGates = kLstmGates;
  static constexpr bool kHasMemory = true;
  static AIOS_KERNEL Vec update(const float* x, const Vec (&sum)[kGates], Vec /*h*/,
                                float* memory) {
    const Vec i = Gate::apply(sum[0] + load(x));
    const Vec f = Gate::apply(sum[1] + load(x + kLanes));
    const Vec g = Activation::apply(sum[2] + load(x + 2 * kLanes));
    const Vec o = Gate::apply(sum[3] + load(x + 3 * kLanes));
    const Vec c = f * load(memory) + i * g;
    store(memory, c);
    return o * Activation::apply(c);
  }
};

// h' = z h + (1 - z) act(x_h + r (R h + b)). Gates in the order z, r, h.
template <class Gate, class Activation>
struct GruCell {
  static constexpr int kGates = kGruGates;
  static constexpr bool kHasMemory = false;
  static AIOS_KERNEL Vec update(const float* x, const Vec (&sum)[kGates], Vec h, float*) {
    const Vec r = Gate::apply(sum[1] + load(x + kLanes));
    const Vec z = Gate::apply(sum[0] + load(x));
    const Vec candidate = Activation::apply(load(x + 2 * kLanes) + r * sum[2]);
    return candidate + z * (h - candidate);
  }
};

template <class Activation>
struct SimpleRnnCell {
  static constexpr int kGates = kSimpleRnnGates;
  static constexpr bool kHasMemory = false;
  static AIOS_KERNEL Vec update(const float* x, const Vec (&sum)[kGates], Vec /*h*/, float*) {
    return Activation::apply(sum[0] + load(x));
  }
};

}  // namespace detail

// Keras's LSTM. Gate is HalvedSigmoid when the weights were packed with halved gates (the default
// of the packer), else any activation.
template <class S, class Gate = HalvedSigmoid, class Activation = Tanh>
AIOS_KERNEL_NOINLINE void lstm(const float* __restrict x, const float* __restrict input_weights,
                               const float* __restrict recurrent_weights, float* y,
                               float* __restrict scratch, const float* h0 = nullptr,
                               const float* c0 = nullptr, float* h_end = nullptr,
                               float* c_end = nullptr) noexcept {
  detail::runCell<S, detail::LstmCell<Gate, Activation>>(x, input_weights, recurrent_weights, y,
                                                         scratch, h0, c0, h_end, c_end);
}

// Keras's GRU with reset_after=True, which is its default.
template <class S, class Gate = HalvedSigmoid, class Activation = Tanh>
AIOS_KERNEL_NOINLINE void gru(const float* __restrict x, const float* __restrict input_weights,
                              const float* __restrict recurrent_weights, float* y,
                              float* __restrict scratch, const float* h0 = nullptr,
                              float* h_end = nullptr) noexcept {
  detail::runCell<S, detail::GruCell<Gate, Activation>>(x, input_weights, recurrent_weights, y,
                                                        scratch, h0, nullptr, h_end, nullptr);
}

template <class S, class Activation = Tanh>
AIOS_KERNEL_NOINLINE void simpleRnn(const float* __restrict x,
                                    const float* __restrict input_weights,
                                    const float* __restrict recurrent_weights, float* y,
                                    float* __restrict scratch, const float* h0 = nullptr,
                                    float* h_end = nullptr) noexcept {
  detail::runCell<S, detail::SimpleRnnCell<Activation>>(x, input_weights, recurrent_weights, y,
                                                        scratch, h0, nullptr, h_end, nullptr);
}

}  // namespace aios::kernels
