/// Attributes of netCDF-3: which type their values get, and their bytes.
#pragma once

#include <optional>
#include <string>

#include "freestone/formats/netcdf3_header.h"

namespace freestone::formats::netcdf3 {

/// Whether no type of CDF-1 holds the value as it is: a whole number beyond 2^53.
bool wants_cdf5(const Attribute& attribute);

/// The attribute as an entry of a header. Its type is that of the variable for what is compared with its elements (_FillValue, valid_range
/// and the like), else the one that its comment names, else int32 or float64; a list of texts becomes lines.
/// @param variable type of the variable that it belongs to; empty for one of the file
std::string format_attribute(const Attribute& attribute, std::optional<Type> variable, int version);

// Parts of a header, big-endian.
void put_word(std::string& out, std::uint32_t value);
/// A count or a length: 32 bits, in CDF-5 64.
void put_count(std::string& out, Index value, int version);
void put_name(std::string& out, const std::string& name, int version);

}  // namespace freestone::formats::netcdf3
