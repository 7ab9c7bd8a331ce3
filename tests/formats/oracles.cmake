# What only the tests of formats use: CFITSIO, another reader of FITS, and the fuzzer's targets.
target_sources(test_formats PRIVATE ${CMAKE_CURRENT_LIST_DIR}/../fuzz/fits_header_fuzz.cpp ${CMAKE_CURRENT_LIST_DIR}/../fuzz/zarr_metadata_fuzz.cpp
               ${CMAKE_CURRENT_LIST_DIR}/../fuzz/netcdf3_fuzz.cpp ${CMAKE_CURRENT_LIST_DIR}/../fuzz/tiff_fuzz.cpp
               ${CMAKE_CURRENT_LIST_DIR}/../fuzz/casa_fuzz.cpp ${CMAKE_CURRENT_LIST_DIR}/../fuzz/references_fuzz.cpp)
pkg_check_modules(CFITSIO REQUIRED IMPORTED_TARGET cfitsio)
target_link_libraries(test_formats PRIVATE PkgConfig::CFITSIO)
