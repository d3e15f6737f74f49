// Single layers against the machine's ceilings.
#include "aios/kernels/attention.hpp"
#include "aios/kernels/depthwise.hpp"
#include "aios/kernels/recurrent.hpp"
#include "aios/kernels/strassen.hpp"
#include "aios/kernels/winograd.hpp"
#include "measure.hpp"

namespace aios::kernels::bench {
namespace {

template <int M, int K, int N, class Epilogue = Relu>
void benchDense(const Ceilings& ceilings) {
  Floats x(M * K), w(packedFloats(K, N)), y(M * N);
  char name[64];
  std::snprintf(name, sizeof name, "dense %dx%dx%d", M, K, N);
  const double ns = bestNs([&] { dense<M, K, N, Epilogue>(x.get(), w.get(), y.get()); });
  ceilings.print(name, ns, 1.0 * M * K * N, 4.0 * packedFloats(K, N));
  if constexpr (M >= 16 && K % 2 == 0 && N % (2 * kLanes) == 0) {
    using S = StrassenShape<M, K, N>;
    Floats packed(kStrassenPackedFloats<S>), scratch(kStrassenScratch<S>);
    const double fast =
        bestNs([&] { strassen<S, Epilogue>(x.get(), packed.get(), y.get(), scratch.get()); });
    std::printf("  strassen %12.1f ns: %.2f times as fast\n", fast, ns / fast);
  }
}

template <class S>
void benchConv(const Ceilings& ceilings) {
  Floats x(S::kInputFloats), w(kConvPackedFloats<S>), y(S::kOutputFloats), s(kConvScratch<S> + 1);
  char name[64];
  std::snprintf(name, sizeof name, "conv %dx%dx%d -> %d k%d s%d", S::kHeight, S::kWidth,
                S::kChannels, S::kFilters, S::kKernelH, S::kStrideH);
  const double macs = 1.0 * S::kOutputFloats * S::kDepth;
  const double ns = bestNs([&] { conv2d<S, Relu>(x.get(), w.get(), y.get(), s.get()); }, 9, 4000.0);
  ceilings.print(name, ns, macs, 4.0 * kConvPackedFloats<S>);
  if constexpr (winogradPays<S>()) {
    Floats packed(kWinogradPackedFloats<S>), scratch(kWinogradScratch<S>);
    const double fast = bestNs(
        [&] { winogradConv2d<S, Relu>(x.get(), packed.get(), y.get(), scratch.get()); }, 9, 4000.0);
    std::printf("  winograd %12.1f ns: %.2f times as fast\n", fast, ns / fast);
  }
}

template <class S>
void benchDepthwise(const Ceilings& ceilings) {
  Floats x(S::kInputFloats), w(kDepthwisePackedFloats<S>), y(S::kOutputFloats);
  char name[64];
  std::snprintf(name, sizeof name, "depthwise %dx%dx%d k%d s%d", S::kHeight, S::kWidth,
                S::kChannels, S::kKernelH, S::kStrideH);
  const double ns = bestNs([&] { depthwiseConv2d<S, Relu6>(x.get(), w.get(), y.get(), nullptr); });
  ceilings.print(name, ns, 1.0 * S::kOutputFloats * S::kTaps,
                 4.0 * (S::kInputFloats + S::kOutputFloats));
}

template <int H, int C, int F, int K, int Stride, int Before, int After>
using Square = ConvShape<1, H, H, C, F, K, K, Stride, Stride, 1, 1, Before, Before, After, After>;
template <int H, int C, int K, int Stride, int Before, int After>
using Depthwise =
    DepthwiseShape<1, H, H, C, 1, K, K, Stride, Stride, 1, 1, Before, Before, After, After>;

void benchAttention(const Ceilings& ceilings) {
  using S = AttentionShape<1, 4, 64, 64, 32, 32, floatBits(0.17677669f)>;
  Floats q(64 * 128), k(64 * 128), v(64 * 128), y(64 * 128), s(kAttentionScratch<S>);
  const double ns = bestNs([&] { attention<S>(q.get(), k.get(), v.get(), y.get(), s.get()); });
  ceilings.print("attention 4 heads 64x64x32", ns, 4.0 * 2 * 64 * 64 * 32, 0.0);
}

}  // namespace
}  // namespace aios::kernels::bench

int main() {
  using namespace aios::kernels;
  using namespace aios::kernels::bench;
  const Ceilings ceilings = Ceilings::measure();
  benchDense<1, 64, 128>(ceilings);
  benchDense<1, 784, 512>(ceilings);
  benchDense<8, 128, 128>(ceilings);
  benchDense<32, 784, 512>(ceilings);
  benchDense<64, 128, 512>(ceilings);
  benchDense<64, 128, 512, Gelu>(ceilings);
  benchDense<49, 960, 160>(ceilings);
  benchDense<3136, 24, 144>(ceilings);
  benchDense<12544, 32, 16>(ceilings);
  benchConv<Square<224, 3, 64, 7, 2, 3, 3>>(ceilings);
  benchConv<Square<224, 3, 32, 3, 2, 0, 1>>(ceilings);
  benchConv<Square<56, 64, 64, 3, 1, 1, 1>>(ceilings);
  benchConv<Square<28, 128, 128, 3, 1, 1, 1>>(ceilings);
  benchConv<Square<14, 256, 256, 3, 1, 1, 1>>(ceilings);
  benchConv<Square<7, 512, 512, 3, 1, 1, 1>>(ceilings);
  benchConv<Square<56, 256, 128, 1, 2, 0, 0>>(ceilings);
  benchDepthwise<Depthwise<112, 32, 3, 1, 1, 1>>(ceilings);
  benchDepthwise<Depthwise<56, 144, 3, 1, 1, 1>>(ceilings);
  benchDepthwise<Depthwise<14, 384, 3, 1, 1, 1>>(ceilings);
  benchDepthwise<Depthwise<7, 960, 3, 1, 1, 1>>(ceilings);
  benchDepthwise<Depthwise<14, 480, 5, 1, 2, 2>>(ceilings);
  benchAttention(ceilings);
  return 0;
}
