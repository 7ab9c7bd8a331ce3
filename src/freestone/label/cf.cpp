#include "freestone/label/cf.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <sstream>

#include "freestone/base/base64.h"
#include "freestone/base/log.h"
#include "freestone/formats/find_attribute.h"
#include "freestone/label/georeference.h"
#include "freestone/label/stored_deflate.h"
#include "freestone/ops/elementwise.h"

namespace freestone {
namespace {

using formats::Attribute;

constexpr Index kMissingTime = std::numeric_limits<std::int64_t>::min();

/// What xarray writes into Zarr 3 for a floating _FillValue: the eight bytes of a little-endian float64, in base64.
std::optional<double> number_from_base64(const std::string& text) {
  const auto bytes = base64_decoded(text);
  if (!bytes || bytes->size() != sizeof(double)) return std::nullopt;
  double number;
  std::memcpy(&number, bytes->data(), sizeof number);
  return number;
}

/// "-999" or "NaN": numbers that a writer has put down as text.
std::optional<double> number_from_text(const std::string& text) {
  double number = 0;
  const char *first = text.data(), *last = first + text.size();
  while (first != last && (*first == ' ' || *first == '+')) ++first;
  while (first != last && last[-1] == ' ') --last;
  const auto [end, problem] = std::from_chars(first, last, number);
  if (problem != std::errc() || end != last) return std::nullopt;
  return number;
}

// Holds all of int64 and uint64.
using Whole = __int128;

/// One stored number of an attribute; integers are kept exactly.
struct Number {
  double number = 0;
  std::optional<Whole> integer;
  bool is_nan() const { return !integer && std::isnan(number); }
};

template <class T>
Number number_of(T value) {
  const bool is_whole = !std::is_floating_point_v<T> || (value == std::trunc(value) && value >= -0x1p63 && value < 0x1p64);
  return {static_cast<double>(value), is_whole ? std::optional(static_cast<Whole>(value)) : std::nullopt};
}

[[noreturn]] void fail_attribute(const std::string& variable, const Attribute& attribute, const char* wanted) {
  fail(ErrorKind::kData, "variable '{}': its attribute {} is {}, which is not {}.", variable, attribute.key,
       formats::text_of(attribute.value), wanted);
}

std::vector<Number> numbers_of(const std::string& variable, const Attribute& attribute) {
  std::vector<Number> out;
  std::visit(
      [&]<class T>(const T& value) {
        if constexpr (std::is_same_v<T, std::string>) {
          std::optional<double> number = number_from_base64(value);
          if (!number) number = number_from_text(value);
          if (!number) fail_attribute(variable, attribute, "a number");
          out.push_back(number_of(*number));
        } else if constexpr (std::is_same_v<T, bool> || std::is_same_v<T, std::vector<std::string>>) {
          fail_attribute(variable, attribute, "a number");
        } else if constexpr (std::is_arithmetic_v<T>) {
          out.push_back(number_of(value));
        } else {
          for (const auto one : value) out.push_back(number_of(one));
        }
      },
      attribute.value);
  return out;
}

/// The attribute's only number; none without an attribute.
std::optional<Number> number_of(const std::string& variable, const Attribute* attribute) {
  if (attribute == nullptr) return std::nullopt;
  const std::vector<Number> numbers = numbers_of(variable, *attribute);
  if (numbers.size() != 1) fail_attribute(variable, *attribute, "one number");
  return numbers[0];
}

void move_attribute(const std::string& key, std::vector<Attribute>& from, std::vector<Attribute>& to) {
  const auto found = std::find_if(from.begin(), from.end(), [&](const Attribute& a) { return a.key == key; });
  if (found == from.end()) return;
  std::erase_if(to, [&](const Attribute& a) { return a.key == key; });
  to.push_back(std::move(*found));
  from.erase(found);
}

DType with_sign(DType type, bool is_signed) {
  constexpr DType kSigned[] = {DType::kInt8, DType::kInt16, DType::kInt32, DType::kInt64};
  constexpr DType kUnsigned[] = {DType::kUint8, DType::kUint16, DType::kUint32, DType::kUint64};
  const int power = std::countr_zero(static_cast<unsigned>(size_of(type)));
  return is_signed ? kSigned[power] : kUnsigned[power];
}

/// The type that the stored integers are meant in.
DType meant_type(DType stored, const std::vector<Attribute>& attributes) {
  const Attribute* attribute = find_attribute(attributes, "_Unsigned");
  if (attribute == nullptr || !is_integer(stored)) return stored;
  const std::string text = formats::text_of(attribute->value);
  if (text == "true" || text == "True") return with_sign(stored, false);
  if (text == "false" || text == "False") return with_sign(stored, true);
  return stored;
}

/// `number` as an operand beside elements of `type`, whose bits it has in the type's other sign; none when `type` cannot hold it.
std::optional<Operand> operand_in(const Number& number, DType type) {
  if (is_floating(type)) return Operand(number.number);
  if (!number.integer) return std::nullopt;
  const Index bits = 8 * size_of(type);
  Whole value = *number.integer;
  if (is_unsigned_integer(type) && value < 0 && value >= -(Whole{1} << (bits - 1))) value += Whole{1} << bits;
  if (is_signed_integer(type) && value >= Whole{1} << (bits - 1) && value < Whole{1} << bits) value -= Whole{1} << bits;
  const Operand operand = value < 0 ? Operand(static_cast<std::int64_t>(value)) : Operand(static_cast<std::uint64_t>(value));
  if (!operand.fits(type)) return std::nullopt;
  return operand;
}

/// The values that stand for "missing", as stored.
std::vector<Number> missing_numbers(const std::string& variable, const std::vector<Attribute>& attributes) {
  std::vector<Number> out;
  for (const char* key : {"_FillValue", "missing_value"}) {
    const Attribute* attribute = find_attribute(attributes, key);
    if (attribute == nullptr) continue;
    for (const Number& number : numbers_of(variable, *attribute)) {
      if (!number.is_nan()) out.push_back(number);
    }
  }
  return out;
}

/// xarray's choice for scaled numbers: float64 unless the attributes are float32 and lose nothing of the stored numbers.
DType scaled_type(DType stored, const Attribute* scale, const Attribute* offset) {
  const auto is_float32 = [](const Attribute* a) { return a != nullptr && a->comment == "float32"; };
  if (!is_float32(scale) || (offset != nullptr && !is_float32(offset))) return DType::kFloat64;
  if (offset != nullptr && is_integer(stored) && size_of(stored) == 4) return DType::kFloat64;
  return DType::kFloat32;
}

DType masked_type(DType stored) {
  if (is_floating(stored)) return stored;
  return size_of(stored) <= 2 ? DType::kFloat32 : DType::kFloat64;
}

/// NaN of `type`; of integers of time the lowest.
Array masked(const Array& missing, const Array& values) {
  if (is_integer(values.dtype())) return where(missing, Operand(std::int64_t{kMissingTime}), values);
  return where(missing, Operand(std::numeric_limits<double>::quiet_NaN()), values);
}

/// Whether elements are outside the valid range, or no array when nothing limits them.
Array outside_valid_range(const DatasetVariable& variable, const Array& stored) {
  std::optional<Number> low = number_of(variable.name, variable.attribute("valid_min"));
  std::optional<Number> high = number_of(variable.name, variable.attribute("valid_max"));
  if (const Attribute* range = variable.attribute("valid_range")) {
    const std::vector<Number> numbers = numbers_of(variable.name, *range);
    if (numbers.size() != 2) fail_attribute(variable.name, *range, "two numbers");
    low = numbers[0];
    high = numbers[1];
  }
  Array outside;
  const auto add = [&](const char* comparison, const std::optional<Number>& limit) {
    if (!limit || limit->is_nan()) return;
    const std::optional<Operand> operand = operand_in(*limit, stored.dtype());
    const Array is_beyond = elementwise(comparison, {stored, operand ? *operand : Operand(limit->number)});
    outside = outside ? elementwise("logical_or", {outside, is_beyond}) : is_beyond;
  };
  add("less", low);
  add("greater", high);
  return outside;
}

/// The variable without a missing_value that is no number ("none", "N/A"): nothing that is stored can be it.
DatasetVariable with_numbers_alone(const DatasetVariable& variable) {
  const Attribute* attribute = variable.attribute("missing_value");
  const auto* text = attribute == nullptr ? nullptr : std::get_if<std::string>(&attribute->value);
  if (text == nullptr || number_from_base64(*text) || number_from_text(*text)) return variable;
  log(LogLevel::kWarning, "Variable '{}': its missing_value '{}' is no number, and is taken for none.", variable.name, *text);
  DatasetVariable out = variable;
  std::erase_if(out.attributes, [](const Attribute& a) { return a.key == "missing_value"; });
  return out;
}

}  // namespace

bool are_time_units(const std::string& units) {
  std::istringstream words(units);
  std::string unit, since, date;
  words >> unit >> since >> date;
  std::transform(since.begin(), since.end(), since.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return since == "since" && !date.empty();
}

DatasetVariable decode_cf(const DatasetVariable& given, const CfOptions& options) {
  if (!options.decode_cf) return given;
  const DatasetVariable variable = options.mask_and_scale ? with_numbers_alone(given) : given;
  DatasetVariable out = variable;
  const DType stored = variable.array.dtype();
  const auto keep = [&](const char* key) { move_attribute(key, out.attributes, out.encoding.attributes); };

  if (variable.text("dtype") == "bool" && is_integer(stored)) {
    out.array = astype(variable.array, DType::kBool);
    keep("dtype");
    out.encoding.dtype = stored;
    out.encoding.deflate = stored_deflate(variable.array);
    return out;
  }
  if (!options.mask_and_scale || !(is_integer(stored) || is_floating(stored))) return out;

  const Attribute* scale_attribute = variable.attribute("scale_factor");
  const Attribute* offset_attribute = variable.attribute("add_offset");
  const std::optional<Number> scale = number_of(variable.name, scale_attribute), offset = number_of(variable.name, offset_attribute);
  const bool is_scaled = scale || offset;
  const DType meant = meant_type(stored, variable.attributes);
  Array values = astype(variable.array, meant);

  Array missing;
  const std::vector<Number> fills = missing_numbers(variable.name, variable.attributes);
  for (const Number& number : fills) {
    const std::optional<Operand> operand = operand_in(number, meant);
    if (!operand) continue;
    const Array is_this = elementwise("equal", {values, *operand});
    missing = missing ? elementwise("logical_or", {missing, is_this}) : is_this;
  }
  if (options.mask_outside_valid_range) {
    if (const Array outside = outside_valid_range(variable, values)) {
      missing = missing ? elementwise("logical_or", {missing, outside}) : outside;
      for (const char* key : {"valid_min", "valid_max", "valid_range"}) keep(key);
    }
  }

  if (is_scaled) {
    values = astype(values, scaled_type(meant, scale_attribute, offset_attribute));
  } else if (missing || !fills.empty()) {
    values = astype(values, is_integer(meant) && are_time_units(variable.text("units")) ? DType::kInt64 : masked_type(meant));
  }
  if (missing) values = masked(missing, values);
  if (scale) values = values * scale->number;
  if (offset) values = values + offset->number;

  for (const char* key : {"scale_factor", "add_offset", "_FillValue", "missing_value", "_Unsigned"}) keep(key);
  // The text of a number in Zarr means nothing in other formats.
  for (Attribute& attribute : out.encoding.attributes) {
    if (std::holds_alternative<std::string>(attribute.value) && attribute.key != "_Unsigned" && attribute.key != "coordinates") {
      attribute = {attribute.key, number_of(variable.name, &attribute)->number, stored == DType::kFloat32 ? "float32" : ""};
    }
  }
  out.array = values;
  out.encoding.deflate = stored_deflate(variable.array);
  if (values.dtype() != stored) out.encoding.dtype = stored;
  return out;
}

Dataset decode_cf(const Dataset& dataset, const CfOptions& options) {
  if (!options.decode_cf) return dataset;
  std::vector<DatasetVariable> variables = dataset.variables();
  // Names in attributes are those of neighbours in the same group.
  const auto neighbour = [&](const DatasetVariable& of, const std::string& name) -> DatasetVariable* {
    if (name.empty()) return nullptr;
    const std::string path = of.name.substr(0, of.name.rfind('/') + 1) + name;
    const auto found = std::find_if(variables.begin(), variables.end(), [&](const DatasetVariable& v) { return v.name == path; });
    return found == variables.end() ? nullptr : &*found;
  };
  for (const DatasetVariable& variable : dataset.variables()) {
    DatasetVariable* bounds = neighbour(variable, variable.text("bounds"));
    for (const char* key : {"units", "calendar"}) {
      if (bounds != nullptr && variable.attribute(key) != nullptr && bounds->attribute(key) == nullptr) {
        bounds->attributes.push_back(*variable.attribute(key));
      }
    }
  }
  for (DatasetVariable& variable : variables) {
    try {
      DatasetVariable decoded = decode_cf(variable, options);
      decoded.is_auxiliary = variable.is_auxiliary;
      variable = std::move(decoded);
    } catch (Error& error) {
      error.within(dataset.path());
      throw;
    }
    std::istringstream names(variable.text("coordinates"));
    for (std::string name; names >> name;) {
      if (DatasetVariable* named = neighbour(variable, name); named != nullptr && !named->is_dimension_coordinate()) named->is_auxiliary = true;
    }
    move_attribute("coordinates", variable.attributes, variable.encoding.attributes);
    // What describes coordinates goes where they go, and is no data.
    std::vector<std::string> describing = grid_mapping_names(variable);
    for (const char* key : {"bounds", "climatology"}) describing.push_back(variable.text(key));
    for (const std::string& name : describing) {
      if (DatasetVariable* named = neighbour(variable, name); named != nullptr && !named->is_dimension_coordinate()) named->is_auxiliary = true;
    }
  }
  Dataset out = dataset.with(std::move(variables));
  out.set_texts(dataset.texts());
  return out;
}

DatasetVariable encode_cf(const DatasetVariable& variable) {
  DatasetVariable out = variable;
  const std::vector<Attribute>& kept = variable.encoding.attributes;
  const DType type = variable.encoding.dtype.value_or(variable.array.dtype());
  const DType meant = meant_type(type, kept);
  const std::optional<Number> scale = number_of(variable.name, find_attribute(kept, "scale_factor"));
  const std::optional<Number> offset = number_of(variable.name, find_attribute(kept, "add_offset"));
  const std::vector<Number> missing = missing_numbers(variable.name, kept);
  const Attribute* fill_attribute = find_attribute(kept, "_FillValue");
  const Attribute* missing_attribute = find_attribute(kept, "missing_value");
  if (fill_attribute != nullptr && missing_attribute != nullptr) {
    const auto fill = numbers_of(variable.name, *fill_attribute), other = numbers_of(variable.name, *missing_attribute);
    const bool agree = std::any_of(other.begin(), other.end(), [&](const Number& n) {
      if (n.integer && fill.at(0).integer) return *n.integer == *fill[0].integer;
      return n.is_nan() ? fill.at(0).is_nan() : n.number == fill.at(0).number || static_cast<float>(n.number) == static_cast<float>(fill[0].number);
    });
    if (!fill.empty() && !agree) {
      fail(ErrorKind::kUser, "variable '{}': _FillValue ({}) and missing_value ({}) differ, so NaN could be stored as either. Drop one of them.",
           variable.name, formats::text_of(fill_attribute->value), formats::text_of(missing_attribute->value));
    }
  }
  std::optional<Operand> fill;
  if (!missing.empty()) fill = operand_in(missing[0], meant);

  Array values = variable.array;
  if (scale || offset) {
    if (!is_floating(values.dtype())) values = astype(values, DType::kFloat64);
    if (offset) values = values - offset->number;
    if (scale) values = values / scale->number;
  }
  if (is_integer(meant) && is_floating(values.dtype())) {
    values = elementwise("rint", {astype(values, DType::kFloat64)});
    const IntInfo limits = iinfo(meant);
    // The first float64 beyond the type: its largest integer may itself not be one.
    const double low = static_cast<double>(limits.min), beyond = std::ldexp(1.0, limits.min < 0 ? limits.bits - 1 : limits.bits);
    const Array fits = elementwise("logical_and", {elementwise("greater_equal", {values, low}), elementwise("less", {values, beyond})});
    if (fill) {
      values = where(fits, astype(values, meant), *fill);
    } else {
      values = astype(clip(values, Operand(low), Operand(std::nextafter(beyond, 0.0))), meant);
    }
  } else if (values.dtype() == DType::kInt64 && fill && are_time_units(variable.text("units"))) {
    const Array is_missing = elementwise("equal", {values, Operand(std::int64_t{kMissingTime})});
    values = where(is_missing, *fill, astype(values, meant));
  } else if (is_floating(values.dtype())) {
    values = astype(values, meant);
    if (fill) values = where(elementwise("isnan", {values}), *fill, values);
  }
  out.array = astype(values, type);
  out.attributes.insert(out.attributes.end(), kept.begin(), kept.end());
  out.encoding = {};
  return out;
}

}  // namespace freestone
