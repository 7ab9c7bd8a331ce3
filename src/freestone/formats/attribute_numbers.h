/// The numbers of an attribute, and the type that a file of typed attributes (netCDF, HDF5) stores them in.
#pragma once

#include <optional>

#include "freestone/formats/format.h"

namespace freestone::formats {

/// Either kind is empty; both for texts.
struct AttributeNumbers {
  std::vector<std::int64_t> whole;
  std::vector<double> real;
  std::size_t size() const { return whole.size() + real.size(); }
};

AttributeNumbers numbers_of(const AttributeValue& value);

/// Whether `dtype`, which is not complex, has all of them: whole ones exactly, others rounded at most.
bool can_hold(DType dtype, const AttributeNumbers& numbers);

/// That of the elements for what is compared with them (_FillValue, valid_range and the like), else the one that the attribute's comment
/// names, else int8 for a bool, `whole` or a wider type for integers, float64 for the rest.
/// @param elements type of the variable that it belongs to; none for an attribute of the file
/// @param has_all  unsigned and 64-bit integers too
DType stored_dtype(const Attribute& attribute, const AttributeNumbers& numbers, std::optional<DType> elements, bool has_all, DType whole);

/// `attribute`'s text; a list of texts as lines. None: it holds numbers.
std::optional<std::string> lines_of(const AttributeValue& value);

}  // namespace freestone::formats
