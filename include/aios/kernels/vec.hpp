// The one place that knows the CPU: a vector of kLanes floats on GCC/Clang vector extensions.
//
// kLanes follows the compiler's own macros: 16 (AVX-512), 8 (AVX) or 4 (SSE, NEON). Weights packed
// by `aios.compiler.packing` for another lane count are not readable: the compiler packs for its
// target. Everything here is branch-free, allocates nothing and calls nothing.
#pragma once

#include <cstddef>
#include <cstdint>

namespace aios::kernels {

#if defined(__AVX512F__)
inline constexpr int kLanes = 16;
inline constexpr int kRegisters = 32;
#elif defined(__AVX__)
inline constexpr int kLanes = 8;
inline constexpr int kRegisters = 16;
#elif defined(__aarch64__)
inline constexpr int kLanes = 4;
inline constexpr int kRegisters = 32;
#else
inline constexpr int kLanes = 4;
inline constexpr int kRegisters = 16;
#endif

inline constexpr std::size_t kVectorBytes = kLanes * sizeof(float);

typedef float Vec __attribute__((vector_size(kLanes * 4)));
typedef std::int32_t IVec __attribute__((vector_size(kLanes * 4)));
// The same, at any address.
typedef float UnalignedVec __attribute__((vector_size(kLanes * 4), aligned(4), may_alias));

#define AIOS_KERNEL inline __attribute__((always_inline, nothrow))
// One out-of-line copy per instantiation: equal layers share code, and a caller stays small.
#define AIOS_KERNEL_NOINLINE __attribute__((noinline))
#define AIOS_UNROLL _Pragma("GCC unroll 64")

// Vectors that cover n floats, and n rounded up to whole vectors.
constexpr int vectorsFor(int n) { return (n + kLanes - 1) / kLanes; }
constexpr int padToLanes(int n) { return vectorsFor(n) * kLanes; }

// x - 0 and not x + 0, which is not x for a negative zero and would cost an addition.
AIOS_KERNEL Vec splat(float x) { return x - Vec{}; }
AIOS_KERNEL IVec splatInt(std::int32_t x) { return IVec{} + x; }

AIOS_KERNEL Vec load(const float* p) { return *reinterpret_cast<const UnalignedVec*>(p); }
AIOS_KERNEL void store(float* p, Vec v) { *reinterpret_cast<UnalignedVec*>(p) = v; }

// Keeps a loaded value in a register. GCC would rather load it again for every use.
AIOS_KERNEL void keepInRegister([[maybe_unused]] Vec& v) {
#if defined(__x86_64__) && !defined(__clang__)
  asm("" : "+v"(v));
#endif
}

// Reads exactly N floats (1..kLanes); the other lanes are zero.
template <int N>
AIOS_KERNEL Vec loadPartial(const float* p) {
  static_assert(N >= 1 && N <= kLanes, "a partial load covers 1..kLanes floats");
  if constexpr (N == kLanes) {
    return load(p);
  } else {
#if defined(__AVX512F__)
    return (Vec)__builtin_ia32_loadups512_mask(p, Vec{}, (std::uint16_t)((1u << N) - 1));
#elif defined(__AVX__)
    constexpr IVec kMask = {-(N > 0), -(N > 1), -(N > 2), -(N > 3),
                            -(N > 4), -(N > 5), -(N > 6), -(N > 7)};
    return __builtin_ia32_maskloadps256(reinterpret_cast<const Vec*>(p), kMask);
#else
    Vec v{};
    for (int i = 0; i < N; ++i) v[i] = p[i];
    return v;
#endif
  }
}

// Writes exactly the first N lanes (1..kLanes).
template <int N>
AIOS_KERNEL void storePartial(float* p, Vec v) {
  static_assert(N >= 1 && N <= kLanes, "a partial store covers 1..kLanes floats");
  if constexpr (N == kLanes) {
    store(p, v);
  } else {
#if defined(__AVX512F__)
    __builtin_ia32_storeups512_mask(p, v, (std::uint16_t)((1u << N) - 1));
#elif defined(__AVX__)
    constexpr IVec kMask = {-(N > 0), -(N > 1), -(N > 2), -(N > 3),
                            -(N > 4), -(N > 5), -(N > 6), -(N > 7)};
    __builtin_ia32_maskstoreps256(reinterpret_cast<Vec*>(p), kMask, v);
#else
    for (int i = 0; i < N; ++i) p[i] = v[i];
#endif
  }
}

// v with the lanes from N on set to `fill`.
template <int N>
AIOS_KERNEL Vec fillLanesFrom(Vec v, float fill) {
  if constexpr (N == kLanes) return v;
  IVec kept;
  for (int i = 0; i < kLanes; ++i) kept[i] = -(i < N);
  return kept ? v : splat(fill);
}
// The first N floats of p, the other lanes set to `fill`.
template <int N>
AIOS_KERNEL Vec loadFilled(const float* p, float fill) {
  return fillLanesFrom<N>(loadPartial<N>(p), fill);
}

AIOS_KERNEL IVec bits(Vec v) { return (IVec)v; }
AIOS_KERNEL Vec fromBits(IVec v) { return (Vec)v; }

// Lanes of `mask` are all ones or zero, as comparisons of vectors give them.
AIOS_KERNEL Vec select(IVec mask, Vec if_set, Vec if_clear) { return mask ? if_set : if_clear; }

// A NaN in b comes out; a NaN in a does not: put the constant first. (GCC turns the plain
// comparison with a constant into a compare and a blend, hence its builtins.)
#if defined(__AVX512F__) && !defined(__clang__)
AIOS_KERNEL Vec max(Vec a, Vec b) {
  return (Vec)__builtin_ia32_maxps512_mask(a, b, Vec{}, (std::uint16_t)-1, 4);
}
AIOS_KERNEL Vec min(Vec a, Vec b) {
  return (Vec)__builtin_ia32_minps512_mask(a, b, Vec{}, (std::uint16_t)-1, 4);
}
#elif defined(__AVX__) && !defined(__clang__)
AIOS_KERNEL Vec max(Vec a, Vec b) { return __builtin_ia32_maxps256(a, b); }
AIOS_KERNEL Vec min(Vec a, Vec b) { return __builtin_ia32_minps256(a, b); }
#else
AIOS_KERNEL Vec max(Vec a, Vec b) { return a > b ? a : b; }
AIOS_KERNEL Vec min(Vec a, Vec b) { return a < b ? a : b; }
#endif
AIOS_KERNEL Vec abs(Vec v) { return fromBits(bits(v) & splatInt(0x7fffffff)); }
AIOS_KERNEL Vec copySign(Vec magnitude, Vec sign) {
  return fromBits((bits(magnitude) & splatInt(0x7fffffff)) | (bits(sign) & splatInt(INT32_MIN)));
}
AIOS_KERNEL Vec toFloat(IVec v) { return __builtin_convertvector(v, Vec); }
AIOS_KERNEL IVec toInt(Vec v) { return __builtin_convertvector(v, IVec); }

AIOS_KERNEL Vec sqrt(Vec v) {
#if defined(__clang__) && __has_builtin(__builtin_elementwise_sqrt)
  return __builtin_elementwise_sqrt(v);
#elif defined(__AVX512F__) && !defined(__clang__)
  return (Vec)__builtin_ia32_sqrtps512_mask(v, Vec{}, (std::uint16_t)-1, 4);
#elif defined(__AVX__) && !defined(__clang__)
  return __builtin_ia32_sqrtps256(v);
#else
  Vec r;
  for (int i = 0; i < kLanes; ++i) r[i] = __builtin_sqrtf(v[i]);
  return r;
#endif
}

namespace detail {
typedef float Vec4 __attribute__((vector_size(16)));
typedef float Vec8 __attribute__((vector_size(32)));

// Folds the first N lanes into four, lane i of which has every fourth lane from i on.
template <int N = kLanes, class Fold>
AIOS_KERNEL Vec4 foldToFour(Vec v, [[maybe_unused]] Fold fold) {
#if defined(__AVX512F__)
  const Vec8 lo8 = __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7);
  const Vec8 hi8 = __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15);
  const Vec8 half = N > 8 ? fold(lo8, hi8) : lo8;
#elif defined(__AVX__)
  const Vec8 half = v;
#endif
#if defined(__AVX__)
  const Vec4 lo4 = __builtin_shufflevector(half, half, 0, 1, 2, 3);
  const Vec4 hi4 = __builtin_shufflevector(half, half, 4, 5, 6, 7);
  return N > 4 ? fold(lo4, hi4) : lo4;
#else
  return v;
#endif
}

template <int N, class Fold>
AIOS_KERNEL float foldAll(Vec v, Fold fold) {
  const Vec4 four = foldToFour<N>(v, fold);
  const Vec4 pairs = fold(four, __builtin_shufflevector(four, four, 2, 3, 0, 1));
  return fold(pairs, __builtin_shufflevector(pairs, pairs, 1, 0, 3, 2))[0];
}

// Lane i is the sum of v[i].
AIOS_KERNEL Vec4 addAcross(const Vec4 (&v)[4]) {
  const Vec4 first = __builtin_shufflevector(v[0], v[1], 0, 4, 1, 5) +
                     __builtin_shufflevector(v[0], v[1], 2, 6, 3, 7);
  const Vec4 second = __builtin_shufflevector(v[2], v[3], 0, 4, 1, 5) +
                      __builtin_shufflevector(v[2], v[3], 2, 6, 3, 7);
  return __builtin_shufflevector(first, second, 0, 1, 4, 5) +
         __builtin_shufflevector(first, second, 2, 3, 6, 7);
}

// The other lanes are zero.
AIOS_KERNEL Vec widen(Vec4 v) {
#if defined(__AVX512F__)
  const Vec8 half = __builtin_shufflevector(v, Vec4{}, 0, 1, 2, 3, 4, 5, 6, 7);
  return __builtin_shufflevector(half, Vec8{}, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
                                 15);
#elif defined(__AVX__)
  return __builtin_shufflevector(v, Vec4{}, 0, 1, 2, 3, 4, 5, 6, 7);
#else
  return v;
#endif
}
}  // namespace detail

// Horizontal folds over the first N lanes, rounded up to 4, 8 or all: set the lanes between.
template <int N = kLanes>
AIOS_KERNEL float reduceAdd(Vec v) {
  return detail::foldAll<N>(
      v, [](auto a, auto b) __attribute__((always_inline, nothrow)) { return a + b; });
}
template <int N = kLanes>
AIOS_KERNEL float reduceMax(Vec v) {
  return detail::foldAll<N>(
      v, [](auto a, auto b) __attribute__((always_inline, nothrow)) { return a > b ? a : b; });
}

}  // namespace aios::kernels
