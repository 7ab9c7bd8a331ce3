# One shared library of all rooms, its headers, and the CMake package: find_package(Freestone) gives Freestone::freestone.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(ROOMS base core runtime storage kernels formats array ops plan exec label astro watch)
add_library(freestone SHARED ${PROJECT_SOURCE_DIR}/cmake/empty.cpp)
add_library(Freestone::freestone ALIAS freestone)
set_target_properties(freestone PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR})
foreach(room ${ROOMS})
  target_link_libraries(freestone PRIVATE $<LINK_LIBRARY:WHOLE_ARCHIVE,freestone_${room}>)
endforeach()
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
