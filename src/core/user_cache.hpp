// Where this user's caches are.
#pragma once

#include <filesystem>

namespace aios {

// The directory of one kind of entries, as $XDG_CACHE_HOME/aios/KIND; it may not be there yet.
// Empty where the user has no home.
std::filesystem::path userCache(const char* kind);

}  // namespace aios
