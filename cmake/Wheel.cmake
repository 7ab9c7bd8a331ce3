# The wheel is linked with the static libraries that scripts/wheel-libraries has built in a folder; they come before the system's.
set(FREESTONE_WHEEL_LIBRARIES "" CACHE PATH "Folder of the static libraries that go into the wheel (scripts/wheel-libraries)")

if(FREESTONE_WHEEL_LIBRARIES)
  list(PREPEND CMAKE_PREFIX_PATH ${FREESTONE_WHEEL_LIBRARIES})
  set(ENV{PKG_CONFIG_PATH} ${FREESTONE_WHEEL_LIBRARIES}/lib/pkgconfig)
  # A static library does not say what it needs in turn: all of them stand once more at the end of each line that links.
  set(CMAKE_CXX_STANDARD_LIBRARIES "-Wl,--start-group")
  foreach(library fmt blosc snappy hdf5 sz aec tiff jpeg webp Lerc curl nghttp2 ssl crypto sqlite3 deflate lz4 zstd bz2 lzma z)
    set(archive ${FREESTONE_WHEEL_LIBRARIES}/lib/lib${library}.a)
    if(NOT EXISTS ${archive})
      message(FATAL_ERROR "${archive} is missing. Run scripts/wheel-libraries, then configure again.")
    endif()
    string(APPEND CMAKE_CXX_STANDARD_LIBRARIES " ${archive}")
  endforeach()
  string(APPEND CMAKE_CXX_STANDARD_LIBRARIES " -Wl,--end-group -lpthread -ldl")
  # The headers stay the system's, so that the compiler cache has the rooms already; only what is linked is another.
  find_package(fmt REQUIRED)
  get_target_property(configurations fmt::fmt IMPORTED_CONFIGURATIONS)
  foreach(configuration ${configurations})
    set_target_properties(fmt::fmt PROPERTIES IMPORTED_LOCATION_${configuration} ${FREESTONE_WHEEL_LIBRARIES}/lib/libfmt.a)
  endforeach()
  # Nothing of them is seen from outside, nor is replaced by another package's copy of the same library.
  add_link_options(-Wl,--exclude-libs,ALL -Wl,--as-needed -Wl,-s)
endif()
