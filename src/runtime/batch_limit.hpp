// How many samples of waiting calls are put together into one.
//
// There is no fixed delay: a call that finds a free thread runs at once, alone if no other waits.
// Calls gather only while all threads are busy, and whoever gets free takes some of them together.
// How many, is learnt from the times that this model's own calls took here:
//
// 1. Time a sample. Of the sizes that the waiting calls can make, it is the smallest one that costs
//    no more a sample than the best of them, within 3 %. Where a batch of n takes n times as long
//    as one, nothing is put together, since the first would wait for the others in vain.
// 2. Time of the first. The batch may take at most `longest_multiple` times what its oldest call
//    would take alone, and no longer than that call's deadline leaves. How long the call has waited
//    already doesn't count: smaller batches would only make the queue longer.
// 3. A size that was never timed is tried once, as soon as enough calls wait for it. Now and then
//    (`explore`) the largest that rule 2 allows is taken, so that one slow call, as when something
//    else took the processor, isn't believed for ever.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>

namespace aios::runtime {

struct BatchBounds {
  int64_t max_samples = 32;
  double longest_multiple = 16;
};

// What a model's calls take, by their samples.
struct BatchTimes {
  std::function<double(int64_t)> expected_us;  // infinity: nothing is known
  std::function<bool(int64_t)> is_timed;       // of about this size
};

class Endpoint;
// Those that an endpoint learnt from its own calls.
BatchTimes timesOf(const Endpoint& endpoint);

// The calls to choose from.
struct WaitingCalls {
  int64_t oldest = 1;   // samples of the one that has waited longest
  int64_t samples = 1;  // of all together, `oldest` included
  double most_us = std::numeric_limits<double>::infinity();  // until the oldest one's deadline
  bool explore = false;
};

// How many samples to take, at least the oldest call's.
int64_t batchLimit(const BatchTimes& times, const WaitingCalls& waiting, const BatchBounds& bounds);

}  // namespace aios::runtime
