# One shared library of all rooms, its headers, and the CMake package: find_package(Freestone) gives Freestone::freestone.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(ROOMS base core runtime storage kernels formats array ops plan exec label astro watch)
list(TRANSFORM ROOMS REPLACE "(.+)" "$<TARGET_OBJECTS:freestone_\\1>" OUTPUT_VARIABLE ROOM_OBJECTS)
add_library(freestone SHARED ${ROOM_OBJECTS})
add_library(Freestone::freestone ALIAS freestone)
set_target_properties(freestone PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR} LINKER_LANGUAGE CXX)
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(WCSLIB REQUIRED IMPORTED_TARGET wcslib)
pkg_check_modules(CAIRO REQUIRED IMPORTED_TARGET cairo)
target_link_libraries(freestone PRIVATE PkgConfig::WCSLIB PkgConfig::CAIRO)
target_link_libraries(freestone PUBLIC fmt::fmt nlohmann_json::nlohmann_json Threads::Threads)
target_compile_features(freestone PUBLIC cxx_std_20)
target_include_directories(freestone PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/src> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)

set(PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/Freestone)
install(TARGETS freestone EXPORT FreestoneTargets)
if(TARGET freestone_cli)
  install(TARGETS freestone_cli)
endif()
install(DIRECTORY ${PROJECT_SOURCE_DIR}/src/freestone DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.h" PATTERN cli EXCLUDE)
install(EXPORT FreestoneTargets NAMESPACE Freestone:: DESTINATION ${PACKAGE_DIR})
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/FreestoneConfig.cmake.in ${PROJECT_BINARY_DIR}/FreestoneConfig.cmake
                              INSTALL_DESTINATION ${PACKAGE_DIR})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/FreestoneConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/FreestoneConfig.cmake ${PROJECT_BINARY_DIR}/FreestoneConfigVersion.cmake DESTINATION ${PACKAGE_DIR})
# The same package from the build folder, without installing.
export(EXPORT FreestoneTargets NAMESPACE Freestone:: FILE ${PROJECT_BINARY_DIR}/FreestoneTargets.cmake)
