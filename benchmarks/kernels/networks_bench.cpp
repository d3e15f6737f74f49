// Small networks of the model zoo, composed by hand, against the machine's ceilings.
#include "aios/kernels/pooled_conv.hpp"
#include "aios/kernels/recurrent.hpp"
#include "measure.hpp"

namespace aios::kernels::bench {
namespace {

template <int Batch, int A, int B, int C, int D>
void benchMlp(const Ceilings& ceilings) {
  Floats x(Batch * A), w1(packedFloats(A, B)), w2(packedFloats(B, C)), w3(packedFloats(C, D));
  Floats h1(Batch * B), h2(Batch * C), y(Batch * D);
  const double ns = bestNs([&] {
    dense<Batch, A, B, Relu>(x.get(), w1.get(), h1.get());
    dense<Batch, B, C, Relu>(h1.get(), w2.get(), h2.get());
    dense<Batch, C, D>(h2.get(), w3.get(), y.get());
  });
  char name[64];
  std::snprintf(name, sizeof name, "MLP %d-%d-%d-%d batch %d", A, B, C, D, Batch);
  ceilings.print(name, ns, 1.0 * Batch * (A * B + B * C + C * D),
                 4.0 * (packedFloats(A, B) + packedFloats(B, C) + packedFloats(C, D)));
}

template <int Batch>
void benchLenet(const Ceilings& ceilings) {
  using First = ConvShape<Batch, 28, 28, 1, 8, 3, 3>;
  using Second = ConvShape<Batch, 13, 13, 8, 16, 3, 3>;
  Floats x(First::kInputFloats), a(Second::kInputFloats), b(Batch * 400), y(Batch * 10);
  Floats w1(kPooledConvPackedFloats<First>), w2(kPooledConvPackedFloats<Second>);
  Floats w3(packedFloats(400, 10));
  const double ns = bestNs([&] {
    pooledConv2d<First, Relu>(x.get(), w1.get(), a.get(), nullptr);
    pooledConv2d<Second, Relu>(a.get(), w2.get(), b.get(), nullptr);
    dense<Batch, 400, 10>(b.get(), w3.get(), y.get());
  });
  char name[64];
  std::snprintf(name, sizeof name, "LeNet-like 28x28 batch %d", Batch);
  ceilings.print(name, ns, Batch * (26.0 * 26 * 8 * 9 + 100.0 * 16 * 72 + 4000.0), 0.0);
}

template <int Batch>
void benchConv1d(const Ceilings& ceilings) {
  using First = ConvShape<Batch, 1, 96, 4, 16, 1, 5, 1, 1, 1, 1, 0, 4, 0, 0>;
  using Second = ConvShape<Batch, 1, 96, 16, 16, 1, 5, 1, 1, 1, 2, 0, 8, 0, 0>;
  Floats x(First::kInputFloats), a(First::kOutputFloats), b(Second::kOutputFloats);
  Floats w1(kConvPackedFloats<First>), w2(kConvPackedFloats<Second>), s(kConvScratch<Second>);
  const double ns = bestNs([&] {
    conv2d<First, Relu>(x.get(), w1.get(), a.get(), s.get());
    conv2d<Second, Relu>(a.get(), w2.get(), b.get(), s.get());
  });
  char name[64];
  std::snprintf(name, sizeof name, "two causal convolutions 96x4 batch %d", Batch);
  ceilings.print(name, ns, Batch * 96.0 * 16 * (20 + 80), 0.0);
}

template <int Batch>
void benchLstm(const Ceilings& ceilings) {
  using S = RecurrentShape<Batch, 32, 8, 32>;
  Floats x(Batch * 32 * 8), y(Batch * 32), s(kRecurrentScratch<S, kLstmGates>);
  Floats input(kPackedInputFloats<S, kLstmGates>), state(kPackedRecurrentFloats<S, kLstmGates>);
  const double ns = bestNs([&] { lstm<S>(x.get(), input.get(), state.get(), y.get(), s.get()); });
  char name[64];
  std::snprintf(name, sizeof name, "LSTM(32) over 32x8 batch %d", Batch);
  ceilings.print(name, ns, Batch * 32.0 * 128 * 40, 0.0);
}

template <int Batch>
void benchGru(const Ceilings& ceilings) {
  using S = RecurrentShape<Batch, 50, 16, 64>;
  Floats x(Batch * 50 * 16), y(Batch * 64), s(kRecurrentScratch<S, kGruGates>);
  Floats input(kPackedInputFloats<S, kGruGates>), state(kPackedRecurrentFloats<S, kGruGates>);
  const double ns = bestNs([&] { gru<S>(x.get(), input.get(), state.get(), y.get(), s.get()); });
  char name[64];
  std::snprintf(name, sizeof name, "GRU(64) over 50x16 batch %d", Batch);
  ceilings.print(name, ns, Batch * 50.0 * 192 * 80, 0.0);
}

}  // namespace
}  // namespace aios::kernels::bench

int main() {
  using namespace aios::kernels::bench;
  const Ceilings ceilings = Ceilings::measure();
  benchMlp<1, 10, 64, 32, 3>(ceilings);
  benchMlp<1, 64, 128, 128, 10>(ceilings);
  benchMlp<1, 784, 512, 512, 10>(ceilings);
  benchLenet<1>(ceilings);
  benchConv1d<1>(ceilings);
  benchLstm<1>(ceilings);
  benchGru<1>(ceilings);
  benchMlp<32, 10, 64, 32, 3>(ceilings);
  benchMlp<32, 64, 128, 128, 10>(ceilings);
  benchMlp<32, 784, 512, 512, 10>(ceilings);
  benchLenet<32>(ceilings);
  benchConv1d<32>(ceilings);
  benchLstm<32>(ceilings);
  benchGru<32>(ceilings);
  return 0;
}
