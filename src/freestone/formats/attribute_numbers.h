/// The numbers of an attribute, and the type that a file of typed attributes (netCDF, HDF5) stores them in.
#pragma once

#include <optional>

#include "freestone/formats/format.h"

namespace freestone::formats {

/// All kinds but one are empty; all for texts.
struct AttributeNumbers {
  std::vector<std::int64_t> whole;
  std::vector<std::uint64_t> large;  ///< one of which, at least, is beyond int64
  std::vector<double> real;
  std::size_t size() const { return whole.size() + large.size() + real.size(); }
  /// In a type that holds them (`can_hold`).
  template <class T>
  std::vector<T> as() const {
    std::vector<T> out;
    for (const std::int64_t value : whole) out.push_back(static_cast<T>(value));
    for (const std::uint64_t value : large) out.push_back(static_cast<T>(value));
    for (const double value : real) out.push_back(static_cast<T>(value));
    return out;
  }
};

AttributeNumbers numbers_of(const AttributeValue& value);

/// Whether it is a list, of numbers or of texts.
bool is_list(const AttributeValue& value);

/// The only number, in float64 rounded at most; none of a list, a bool or a text.
std::optional<double> number_of(const AttributeValue& value);

/// Of numbers of uint64: int64 where it holds them all.
AttributeValue whole_value(std::uint64_t value);
AttributeValue whole_value(std::vector<std::uint64_t> values);

/// A whole number as int64 or uint64, where `value` is one that they hold; none otherwise.
std::optional<AttributeValue> whole_value(double value);

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
