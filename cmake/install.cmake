# `cmake --install` and the wheel: library, headers and package, so that find_package(aios) works.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

if(SKBUILD)
  set(AIOS_INSTALL_ROOT aios/)
  set(AIOS_INSTALL_LIBDIR aios/lib)
else()
  set(AIOS_INSTALL_ROOT "")
  set(AIOS_INSTALL_LIBDIR ${CMAKE_INSTALL_LIBDIR})
endif()
set(AIOS_INSTALL_CMAKEDIR ${AIOS_INSTALL_LIBDIR}/cmake/aios)

target_include_directories(aios INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${AIOS_INSTALL_ROOT}include>)
install(TARGETS aios EXPORT aios LIBRARY DESTINATION ${AIOS_INSTALL_LIBDIR})
install(DIRECTORY include/aios DESTINATION ${AIOS_INSTALL_ROOT}include)
install(EXPORT aios NAMESPACE aios:: FILE aiosConfig.cmake DESTINATION ${AIOS_INSTALL_CMAKEDIR})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/aiosConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/aiosConfigVersion.cmake DESTINATION ${AIOS_INSTALL_CMAKEDIR})

# Others' code that is in the extension.
if(AIOS_NGHTTP2_LICENCE)
  install(FILES ${AIOS_NGHTTP2_LICENCE} DESTINATION ${AIOS_INSTALL_ROOT}licenses
          RENAME nghttp2.txt)
endif()
