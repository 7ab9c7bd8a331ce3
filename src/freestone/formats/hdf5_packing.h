/// How the elements of a new HDF5 dataset are stored: whole, or as chunks behind filters.
#pragma once

#include "freestone/formats/format.h"
#include "freestone/storage/codec.h"

namespace freestone::formats::hdf5 {

struct FilterToWrite {
  int id = 0;                  ///< as registered by The HDF Group
  bool is_built_in = false;    ///< every HDF5 library has it
  std::vector<unsigned> parameters;
};

struct StoredAs {
  Shape chunk;                          ///< empty: contiguous
  std::vector<FilterToWrite> filters;   ///< the first next to the elements
  CodecChain codecs;                    ///< the same, as they are encoded here
};

/// Contiguous unless chunks, filters or an unlimited axis ask for chunks. Without chunks of its own an array gets those of its source, or
/// pieces of about 1 MiB; without a compressor it is deflated as its source is.
/// @throws Error kind user: a compressor, a level or chunks that HDF5 does not have
StoredAs stored_as(const std::string& path, const VariableRequest& request, const std::vector<bool>& is_unlimited);

}  // namespace freestone::formats::hdf5
