// Scaled dot-product attention of all heads: y = softmax(Scale q kᵀ [+ mask]) v.
//
// q is [Batch, Queries, Heads, Depth], k [Batch, Keys, Heads, Depth], v [Batch, Keys, Heads,
// ValueDepth] and y [Batch, Queries, Heads, ValueDepth]: as the projections of a multi-head
// attention write them, so nothing is transposed in memory. A mask, if any, is [Queries, Keys],
// added to the scaled scores of every head. Scores of one head live in scratch only.
#pragma once

#include "aios/kernels/matmul.hpp"
#include "aios/kernels/softmax.hpp"

namespace aios::kernels {

template <int Batch, int Heads, int Queries, int Keys, int Depth, int ValueDepth,
          std::uint32_t Scale = floatBits(1.0f)>
struct AttentionShape {
  static constexpr int kBatch = Batch, kHeads = Heads, kQueries = Queries, kKeys = Keys;
  static constexpr int kDepth = Depth, kValueDepth = ValueDepth;
  static constexpr std::uint32_t kScale = Scale;
};

// Floats of scratch (aligned to 64 bytes): packed keys, packed values, scores.
template <class S>
inline constexpr std::size_t kAttentionScratch =
    packedFloats(S::kDepth, S::kKeys) + packedFloats(S::kKeys, S::kValueDepth) +
    static_cast<std::size_t>(S::kQueries) * padToLanes(S::kKeys);

namespace detail {
// scores = Scale scores + mask, for one query.
template <class S>
AIOS_KERNEL void addScaledMask(float* scores, const float* __restrict mask) {
  constexpr int kWhole = (S::kKeys - 1) / kLanes * kLanes;
  const Vec scale = splat(floatFromBits(S::kScale));
  for (int i = 0; i < kWhole; i += kLanes)
    store(scores + i, load(scores + i) * scale + load(mask + i));
  store(scores + kWhole,
        load(scores + kWhole) * scale + loadPartial<S::kKeys - kWhole>(mask + kWhole));
}
}  // namespace detail

// Independent pieces for `attentionRange`: heads of all batch entries.
template <class S>
inline constexpr int kAttentionTasks = S::kBatch * S::kHeads;

// Heads [begin, end). Each concurrent caller needs its own scratch.
template <class S>
AIOS_KERNEL_NOINLINE void attentionRange(const float* __restrict q, const float* __restrict k,
                                         const float* __restrict v, float* __restrict y,
                                         float* __restrict scratch, const float* mask, int begin,
                                         int end) noexcept {
  constexpr int kRow = S::kHeads * S::kDepth;
  constexpr int kValueRow = S::kHeads * S::kValueDepth;
  constexpr int kScoreRow = padToLanes(S::kKeys);
  float* keys = scratch;
  float* values = keys + packedFloats(S::kDepth, S::kKeys);
  float* scores = values + packedFloats(S::kKeys, S::kValueDepth);
  for (int task = begin; task < end; ++task) {
    const int batch = task / S::kHeads;
    const int head = task % S::kHeads;
    const std::size_t query_at = static_cast<std::size_t>(batch) * S::kQueries;
    const std::size_t key_at = static_cast<std::size_t>(batch) * S::kKeys;
    detail::packTransposed<S::kDepth, S::kKeys, kRow>(k + key_at * kRow + head * S::kDepth, keys);
    detail::packMatrix<S::kKeys, S::kValueDepth, kValueRow>(
        v + key_at * kValueRow + head * S::kValueDepth, values);
    detail::stridedProduct<S::kQueries, S::kDepth, S::kKeys, kRow, kScoreRow>(
        q + query_at * kRow + head * S::kDepth, keys, scores);
    for (int row = 0; row < S::kQueries; ++row) {
      float* at = scores + row * kScoreRow;
      if (mask == nullptr) {
        softmaxRow<S::kKeys, S::kScale>(at, at);
      } else {
        detail::addScaledMask<S>(at, mask + row * S::kKeys);
        softmaxRow<S::kKeys>(at, at);
      }
    }
    detail::stridedProduct<S::kQueries, S::kKeys, S::kValueDepth, kScoreRow, kValueRow>(
        scores, values, y + query_at * kValueRow + head * S::kValueDepth);
  }
}

template <class S>
inline void attention(const float* __restrict q, const float* __restrict k,
                      const float* __restrict v, float* __restrict y, float* __restrict scratch,
                      const float* mask = nullptr) noexcept {
  attentionRange<S>(q, k, v, y, scratch, mask, 0, kAttentionTasks<S>);
}

}  // namespace aios::kernels
