/// Attributes of HDF5 objects as plain values.
#pragma once

#include <vector>

#include "freestone/formats/format.h"
#include "freestone/formats/hdf5_library.h"
#include "freestone/formats/text_room.h"

namespace freestone::formats::hdf5 {

/// An address of an object in its file, as references hold it.
using Address = haddr_t;

/// An axis of a dataset.
struct Attachment {
  Address dataset = 0;
  int axis = 0;
};

/// The attributes of an object, and those that only say how netCDF and dimension scales hang together.
struct ObjectAttributes {
  std::vector<Attribute> shown;               ///< numbers and texts, in the file's order
  bool is_scale = false;                      ///< CLASS is DIMENSION_SCALE
  bool is_dimension_only = false;             ///< a netCDF dimension without a variable
  bool is_netcdf = false;                     ///< netCDF-4 wrote it
  std::vector<Attachment> attached_to;        ///< REFERENCE_LIST of a scale
  std::vector<std::string> labels;            ///< DIMENSION_LABELS
  std::optional<std::int64_t> dimension_id;   ///< _Netcdf4Dimid
  std::vector<std::int64_t> coordinate_ids;   ///< _Netcdf4Coordinates
  std::string note;                           ///< why none can be read, though nothing is damaged
};

/// The lane is held. What is neither number nor text is left out.
/// @throws Error kind data: an attribute of `where` is damaged, naming it; kind user, without the file's name: there is no room for its texts
ObjectAttributes read_attributes(const LibraryFile& file, const std::string& where, hid_t object, TextRoom& room);

/// Bytes of texts of one fixed length as texts; `type` is theirs.
std::vector<std::string> fixed_texts(hid_t type, std::string_view bytes);

}  // namespace freestone::formats::hdf5
