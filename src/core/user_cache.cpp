#include "core/user_cache.hpp"

#include <cstdlib>

namespace aios {

std::filesystem::path userCache(const char* kind) {
  const std::filesystem::path below = std::filesystem::path("aios") / kind;
  const char* base = std::getenv("XDG_CACHE_HOME");
  if (base != nullptr && *base != '\0') return base / below;
  const char* home = std::getenv("HOME");
  if (home == nullptr || *home == '\0') return {};
  return std::filesystem::path(home) / ".cache" / below;
}

}  // namespace aios
