/// What one element of an HDF5 dataset is, in Freestone's terms.
#pragma once

#include <vector>

#include "freestone/formats/format.h"
#include "freestone/formats/hdf5_library.h"
#include "freestone/storage/element_transform.h"

namespace freestone::formats::hdf5 {

struct ElementType {
  ElementTransform transform;          ///< of the numbers in it
  Shape inner;                         ///< axes of an array type, which become the last ones of the array
  Index bytes = 0;                     ///< as it is stored
  bool needs_library = false;          ///< not IEEE or two's complement of a usual size: HDF5 itself converts it
  std::string note;                    ///< why it cannot be read; empty when it can
  std::vector<Attribute> meanings;     ///< of an enumeration: flag_values and flag_meanings, as CF has them
  bool is_text = false;                ///< texts, of a fixed length or of any; `note` says that they are no numbers
  struct Field;
  std::vector<Field> fields;           ///< of a compound that is no complex number; then all of the above but `bytes` is void

  bool is_record() const { return !fields.empty(); }
};

struct ElementType::Field {
  std::string name;
  Index offset = 0;
  ElementType type;
};

/// The lane is held.
/// @throws Error kind data: `where` of `file` has a type that cannot be
ElementType read_type(const std::string& file, const std::string& where, hid_t type);

/// The type in memory that the library converts elements of `type` to, so that they are `element.transform.dtype` with its inner axes;
/// `field` of a record: `element` is the field's, and the memory holds nothing else.
Handle memory_type(hid_t type, const ElementType& element, const std::string& field = {});

}  // namespace freestone::formats::hdf5
