/// The header of a netCDF-3 file: from bytes and to bytes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "freestone/formats/format.h"
#include "freestone/storage/file.h"

namespace freestone::formats::netcdf3 {

/// Types by their numbers in the file; those from kUbyte on are CDF-5's.
enum class Type : std::uint32_t { kByte = 1, kChar, kShort, kInt, kFloat, kDouble, kUbyte, kUshort, kUint, kInt64, kUint64 };

/// Type of the elements: uint8 for characters.
DType dtype_of(Type type);
/// The type that holds a dtype; bool is a byte. Empty for complex numbers.
std::optional<Type> type_of(DType dtype);
/// None of CDF-1 and CDF-2.
inline bool is_extended(Type type) { return type >= Type::kUbyte; }

struct Dimension {
  std::string name;
  Index length = 0;  ///< of the record dimension: the number of records
};

struct StoredVariable {
  std::string name;
  std::vector<int> dims;  ///< numbers of dimensions
  std::vector<Attribute> attributes;
  Type type = Type::kDouble;
  Index begin = 0;          ///< where it is in the file
  bool is_record = false;   ///< its first axis is the record dimension
  Index bytes = 0;          ///< of all its elements, or of those of one record
};

struct Header {
  int version = 1;  ///< 1, 2 or 5
  std::vector<Dimension> dims;
  int record_dim = -1;  ///< number of the record dimension; -1: there is none
  std::vector<Attribute> attributes;
  std::vector<StoredVariable> variables;
  Index record_bytes = 0;  ///< from one record to the next

  Index records() const { return record_dim < 0 ? 0 : dims[static_cast<std::size_t>(record_dim)].length; }
  /// Sets `is_record` and `bytes` of all variables, and `record_bytes`: each is padded to four bytes, but not the only record variable.
  /// @throws Error kind data or user, as `kind`: a record dimension that is not the first, or more than 2^62 bytes, naming the variable
  void measure(const std::string& file, ErrorKind kind);
};

/// Everything in it is looked at: all variables lie in the file.
/// @throws Error see netcdf3::open
Header read_header(const ByteReader& reader);

/// The header's bytes.
std::string format_header(const Header& header);

inline Index padded(Index bytes) { return (bytes + 3) / 4 * 4; }

}  // namespace freestone::formats::netcdf3
