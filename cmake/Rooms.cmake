# A room is a folder under src/freestone and one static library, freestone_<room>. It names the rooms that it includes;
# tests/rooms_test.cpp checks that these lie on lower floors.

# What one clone has compiled, another finds, wherever it lies: paths are told to ccache from the root of the sources.
find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=true
      ${CCACHE})
endif()

# -ffp-contract=off: the same bits on every machine; a fused multiply-add is written out where one is wanted.
add_compile_options(-Wall -Wextra -Wno-missing-field-initializers -Wno-restrict -ffp-contract=off -fno-math-errno)
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  add_compile_options(-O3)
endif()
if(FREESTONE_SANITIZE)
  add_compile_options(-fsanitize=${FREESTONE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${FREESTONE_SANITIZE})
  add_compile_definitions(FREESTONE_SANITIZED=1)
endif()

# freestone_room(NAME SOURCES file... [ROOMS room...] [LIBRARIES library...])
function(freestone_room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;ROOMS;LIBRARIES" ${ARGN})
  add_library(freestone_${name} STATIC ${ROOM_SOURCES})
  target_include_directories(freestone_${name} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/src>)
  list(TRANSFORM ROOM_ROOMS PREPEND freestone_)
  target_link_libraries(freestone_${name} PUBLIC ${ROOM_ROOMS} ${ROOM_LIBRARIES})
endfunction()
