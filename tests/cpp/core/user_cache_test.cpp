#include "core/user_cache.hpp"

#include <gtest/gtest.h>

#include "environment.hpp"

namespace aios {
namespace {

TEST(UserCache, IsWhereTheEnvironmentSays) {
  const WithVariable base("XDG_CACHE_HOME", "/caches");
  EXPECT_EQ(userCache("selection"), "/caches/aios/selection");
}

TEST(UserCache, IsInTheUsersHomeElse) {
  const WithVariable home("HOME", "/home/ada");
  for (const char* unset : {static_cast<const char*>(nullptr), ""}) {
    const WithVariable base("XDG_CACHE_HOME", unset);
    EXPECT_EQ(userCache("libraries"), "/home/ada/.cache/aios/libraries");
  }
}

TEST(UserCache, IsNowhereForAUserWithoutAHome) {
  const WithVariable base("XDG_CACHE_HOME", nullptr);
  const WithVariable home("HOME", nullptr);
  EXPECT_TRUE(userCache("selection").empty());
}

}  // namespace
}  // namespace aios
