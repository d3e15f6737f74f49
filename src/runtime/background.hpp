// Work that can wait, such as loading: done without slowing down those who call meanwhile.
#pragma once

#include <functional>

namespace aios::runtime {

// Does the work in a thread of its own, of a lower priority where the system has one for threads,
// and returns when it is done; rethrows what it throws. A thread of its own, because one that has
// lowered its priority may not raise it again. Nor may threads that it starts: work that starts
// threads which stay doesn't belong here.
void inBackground(const std::function<void()>& work);

// Gives the calling thread that priority, for good.
void lowerPriority() noexcept;

}  // namespace aios::runtime
