// Makes an allocation fail, to see what becomes of the rest.
#pragma once

namespace aios {

// Whether that can be done here: sanitizers bring operators new of their own.
bool canMakeMemoryScarce();
// The next `operator new` of this thread throws std::bad_alloc.
void failNextAllocation();
// Whether one failed since, and forgets it: what hasn't failed yet will not.
bool allocationFailed();

}  // namespace aios
