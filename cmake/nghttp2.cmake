# nghttp2, for gRPC: built from source, static and hidden, so that a wheel needs no library of the
# system's. Its whole source is in the sdist of the Python package ngh2, which pip brings, pinned by
# its hash. Without that the system's shared library serves; without either AIOS_NGHTTP2 is unset,
# and the server is built without gRPC. Also set: AIOS_NGHTTP2_INCLUDES, _DEFINITIONS and _LICENCE.
set(AIOS_NGHTTP2_SOURCE "" CACHE PATH "nghttp2's source, where it is here already")
set(AIOS_NGHTTP2_PACKAGE ngh2-0.3.0)
set(AIOS_NGHTTP2_REQUIREMENT "ngh2==0.3.0 \
--hash=sha256:09b995aa65b8a397de652fd7a9b3877d6d1e24c10d2effc36204a3f37aa73440")

# Sets `result` to the folder of the source, or to nothing.
function(aios_fetch_nghttp2 result)
  set(folder ${PROJECT_SOURCE_DIR}/build/nghttp2)
  set(source ${folder}/${AIOS_NGHTTP2_PACKAGE}/vendor/nghttp2)
  if(NOT EXISTS ${source}/COPYING)
    file(WRITE ${folder}/requirement.txt "${AIOS_NGHTTP2_REQUIREMENT}\n")
    find_program(AIOS_PYTHON3 NAMES python3)
    # An isolated build's own Python has no pip, and the venv's may have no build backend: pip wants
    # one for a source package's name.
    foreach(python ${Python_EXECUTABLE} ${PROJECT_SOURCE_DIR}/.venv/bin/python ${AIOS_PYTHON3})
      foreach(isolation --no-build-isolation "")
        if(NOT EXISTS ${folder}/${AIOS_NGHTTP2_PACKAGE}.tar.gz)
          execute_process(
            COMMAND ${CMAKE_COMMAND} -E env --unset=PYTHONPATH ${python} -m pip download -q
                    --no-deps --no-binary=:all: ${isolation} --require-hashes
                    -r ${folder}/requirement.txt -d ${folder}
            TIMEOUT 120 OUTPUT_QUIET ERROR_QUIET)
        endif()
      endforeach()
    endforeach()
    if(EXISTS ${folder}/${AIOS_NGHTTP2_PACKAGE}.tar.gz)
      file(ARCHIVE_EXTRACT INPUT ${folder}/${AIOS_NGHTTP2_PACKAGE}.tar.gz DESTINATION ${folder})
    endif()
  endif()
  if(EXISTS ${source}/COPYING)
    set(${result} ${source} PARENT_SCOPE)
  endif()
endfunction()

# The library alone, without the programs around it.
function(aios_add_nghttp2 source)
  file(STRINGS ${source}/configure.ac line REGEX "^AC_INIT")
  string(REGEX MATCH "([0-9]+)\\.([0-9]+)\\.([0-9]+)" PACKAGE_VERSION "${line}")
  math(EXPR PACKAGE_VERSION_NUM
       "${CMAKE_MATCH_1} * 65536 + ${CMAKE_MATCH_2} * 256 + ${CMAKE_MATCH_3}"
       OUTPUT_FORMAT HEXADECIMAL)
  set(includes ${CMAKE_BINARY_DIR}/nghttp2)
  configure_file(${source}/lib/includes/nghttp2/nghttp2ver.h.in ${includes}/nghttp2/nghttp2ver.h
                 @ONLY)
  file(GLOB sources ${source}/lib/*.c)
  add_library(aios_nghttp2 STATIC ${sources})
  target_include_directories(aios_nghttp2 PRIVATE ${source}/lib/includes ${includes})
  target_compile_definitions(aios_nghttp2
    PRIVATE NGHTTP2_STATICLIB BUILDING_NGHTTP2 HAVE_ARPA_INET_H HAVE_NETINET_IN_H HAVE_CLOCK_GETTIME
            HAVE_DECL_CLOCK_MONOTONIC=1)
  # Others' code, with warnings of its own.
  target_compile_options(aios_nghttp2 PRIVATE -O2 -w -ffunction-sections -fdata-sections)
  if(AIOS_SANITIZE)
    target_compile_options(aios_nghttp2 PRIVATE -fsanitize=${AIOS_SANITIZE}
                                                -fno-omit-frame-pointer)
  endif()
  set(AIOS_NGHTTP2_INCLUDES ${source}/lib/includes ${includes} PARENT_SCOPE)
endfunction()

if(NOT AIOS_NGHTTP2_SOURCE)
  aios_fetch_nghttp2(AIOS_NGHTTP2_SOURCE)
endif()
if(AIOS_NGHTTP2_SOURCE)
  aios_add_nghttp2(${AIOS_NGHTTP2_SOURCE})
  set(AIOS_NGHTTP2 aios_nghttp2)
  set(AIOS_NGHTTP2_DEFINITIONS NGHTTP2_STATICLIB AIOS_NGHTTP2_LIMITS_RESETS)
  set(AIOS_NGHTTP2_LICENCE ${AIOS_NGHTTP2_SOURCE}/COPYING)
else()
  find_path(AIOS_NGHTTP2_INCLUDES nghttp2/nghttp2.h)
  find_library(AIOS_NGHTTP2_LIBRARY nghttp2)
  if(AIOS_NGHTTP2_INCLUDES AND AIOS_NGHTTP2_LIBRARY)
    set(AIOS_NGHTTP2 ${AIOS_NGHTTP2_LIBRARY})
    include(CheckSymbolExists)
    set(CMAKE_REQUIRED_INCLUDES ${AIOS_NGHTTP2_INCLUDES})
    set(CMAKE_REQUIRED_LIBRARIES ${AIOS_NGHTTP2_LIBRARY})
    check_symbol_exists(nghttp2_option_set_stream_reset_rate_limit nghttp2/nghttp2.h
                        AIOS_NGHTTP2_LIMITS_RESETS)
    if(AIOS_NGHTTP2_LIMITS_RESETS)
      set(AIOS_NGHTTP2_DEFINITIONS AIOS_NGHTTP2_LIMITS_RESETS)
    endif()
  else()
    message(STATUS "nghttp2 not found: the server is built without gRPC "
                   "(or: apt-get install libnghttp2-dev)")
  endif()
endif()
