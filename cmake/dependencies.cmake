# What the build needs besides a compiler: the system's packages first, then pinned downloads.
include(FetchContent)
set(FETCHCONTENT_QUIET ON)

find_package(nlohmann_json 3.9 QUIET)
if(NOT nlohmann_json_FOUND)
  message(STATUS "nlohmann_json not found: downloading it (or: apt-get install nlohmann-json3-dev)")
  FetchContent_Declare(nlohmann_json
    URL https://github.com/nlohmann/json/releases/download/v3.11.3/json.tar.xz
    URL_HASH SHA256=d6c65aca6b1ed68e7a182f4757257b107ae403032760ed6ef121c9d55e81757d)
  FetchContent_MakeAvailable(nlohmann_json)
endif()

# Static, so that an installed wheel needs no particular libcrypto; SHA-256 alone is 20 KB of it.
set(OPENSSL_USE_STATIC_LIBS TRUE)
find_package(OpenSSL 1.1 QUIET COMPONENTS Crypto)
if(NOT OPENSSL_FOUND)
  message(FATAL_ERROR "OpenSSL's static library isn't installed: apt-get install libssl-dev")
endif()

# The shared one, which every Linux has and wheels may count on; Debian's static one isn't PIC.
find_package(ZLIB QUIET)
if(NOT ZLIB_FOUND)
  message(FATAL_ERROR "zlib's headers aren't installed: apt-get install zlib1g-dev")
endif()

if(AIOS_BUILD_TESTS)
  find_package(GTest QUIET)
  if(NOT GTest_FOUND)
    message(STATUS "GoogleTest not found: downloading it (or: apt-get install libgtest-dev)")
    FetchContent_Declare(googletest
      URL https://github.com/google/googletest/archive/refs/tags/v1.15.2.tar.gz
      URL_HASH SHA256=7b42b4d6ed48810c5362c265a17faebe90dc2373c885e5216439d37927f02926)
    FetchContent_MakeAvailable(googletest)
  endif()
endif()
