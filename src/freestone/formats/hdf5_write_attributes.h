/// Attributes of HDF5 objects, from plain values.
#pragma once

#include <span>

#include "freestone/formats/format.h"
#include "freestone/formats/hdf5_library.h"

namespace freestone::formats::hdf5 {

/// Writes attributes of objects of one file; the lane is held.
class AttributeWriter {
 public:
  AttributeWriter(const std::string& file, bool is_netcdf) : file_(file), is_netcdf_(is_netcdf) {}

  /// Texts as netCDF-4 has them (characters of a fixed length), or as h5py has them; numbers by `stored_dtype`, in netCDF lists of one.
  /// @param elements of the variable that has it
  /// @throws Error kind io: the library cannot store it, naming `where`
  void write(hid_t object, const std::string& where, const Attribute& attribute, std::optional<DType> elements) const;

  /// Characters of a fixed length.
  void write_characters(hid_t object, const std::string& where, const std::string& key, const std::string& text) const;
  void write_int(hid_t object, const std::string& where, const std::string& key, int value) const;
  void write_ints(hid_t object, const std::string& where, const std::string& key, const std::vector<int>& values) const;
  void write_texts(hid_t object, const std::string& where, const std::string& key, const std::vector<std::string>& texts, bool is_one) const;
  /// For each axis the scales that are attached to it, as references (DIMENSION_LIST).
  void write_dimension_list(hid_t object, const std::string& where, const std::vector<std::optional<hobj_ref_t>>& scales) const;
  struct Entry {
    hobj_ref_t dataset;
    int axis;
  };
  /// The axes that a scale is attached to (REFERENCE_LIST).
  void write_reference_list(hid_t object, const std::string& where, const std::vector<Entry>& entries) const;

 private:
  void write(hid_t object, const std::string& where, const std::string& key, hid_t stored, hid_t space, hid_t memory, const void* value) const;
  const std::string& file_;
  bool is_netcdf_;
};

/// Numbers of `dtype` as the file has them, little-endian; bool is the enumeration of h5py, complex numbers are its compound.
Handle stored_type(DType dtype, bool is_char);
/// Texts of any length, UTF-8.
Handle text_type();

}  // namespace freestone::formats::hdf5
