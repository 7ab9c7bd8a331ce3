#include "freestone/label/raster.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "freestone/formats/attribute_numbers.h"
#include "freestone/formats/find_attribute.h"
#include "freestone/label/memory_array.h"
#include "freestone/ops/elementwise.h"

namespace freestone {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

using formats::number_of;

/// One for each band; empty when it is something else.
std::vector<double> numbers_of(const formats::AttributeValue& value, Index bands) {
  std::vector<double> out;
  if (formats::is_list(value)) out = formats::numbers_of(value).as<double>();
  return static_cast<Index>(out.size()) == bands ? out : std::vector<double>();
}

/// Attributes of a raster that are obeyed here, and the others with CF's names for what decode_cf obeys.
struct Split {
  std::vector<formats::Attribute> attributes, obeyed;
  std::vector<double> scales, offsets;  ///< of bands each; empty: none
  std::vector<std::optional<formats::AttributeValue>> nodata;  ///< of bands each; empty: none
  bool has_nodata = false;
};

Split split(const DatasetVariable& variable, Index bands) {
  Split out;
  const DType dtype = variable.array.dtype();
  const auto of_band = [&](const std::string& key) -> Index {
    // "band_2:nodata"
    if (!key.starts_with("band_") || !key.ends_with(":nodata")) return -1;
    const std::string number = key.substr(5, key.size() - 12);
    if (number.empty() || number.size() > 6 || number.find_first_not_of("0123456789") != std::string::npos) return -1;
    const Index band = std::stoll(number) - 1;
    return band >= 0 && band < bands ? band : -1;
  };
  for (const formats::Attribute& attribute : variable.attributes) {
    const auto number = number_of(attribute.value);
    if (attribute.key == "nodata" && number) {
      formats::Attribute fill{"_FillValue", attribute.value, ""};
      // Written with fewer digits than it has, it is yet the float32 that is meant.
      if (auto* value = std::get_if<double>(&fill.value); value != nullptr && dtype == DType::kFloat32) *value = static_cast<double>(static_cast<float>(*value));
      out.attributes.push_back(std::move(fill));
      out.has_nodata = true;
    } else if (const Index band = of_band(attribute.key); band >= 0 && number) {
      out.nodata.resize(static_cast<std::size_t>(bands));
      out.nodata[static_cast<std::size_t>(band)] = attribute.value;
      out.obeyed.push_back(attribute);
      out.has_nodata = true;
    } else if ((attribute.key == "scale" || attribute.key == "offset") && number) {
      out.attributes.push_back({attribute.key == "scale" ? "scale_factor" : "add_offset", *number, ""});
    } else if (const auto list = attribute.key == "scale" || attribute.key == "offset" ? numbers_of(attribute.value, bands) : std::vector<double>(); !list.empty()) {
      (attribute.key == "scale" ? out.scales : out.offsets) = list;
      out.obeyed.push_back(attribute);
    } else {
      out.attributes.push_back(attribute);
    }
  }
  return out;
}

/// In the type that decode_cf gives numbers of which some are missing.
Array floating(const Array& a) {
  return is_floating(a.dtype()) ? a : astype(a, size_of(a.dtype()) <= 2 ? DType::kFloat32 : DType::kFloat64);
}

void say_nodata(DatasetVariable& variable) {
  std::erase_if(variable.attributes, [](const formats::Attribute& a) { return a.key == "nodata"; });
  variable.attributes.push_back({"nodata", kNan, ""});
}

bool is_nan(const formats::AttributeValue& value) {
  const auto* number = std::get_if<double>(&value);
  return number != nullptr && std::isnan(*number);
}

bool holds(DType dtype, const formats::AttributeValue& value) {
  if (!is_floating(dtype)) return is_integer(dtype) && formats::can_hold(dtype, formats::numbers_of(value));
  const double number = *number_of(value);
  return dtype != DType::kFloat32 || !std::isfinite(number) || std::abs(number) <= static_cast<double>(std::numeric_limits<float>::max());
}

/// 2.0 as 2, where it is a whole number.
formats::AttributeValue as_whole(const formats::AttributeValue& value) {
  const auto* number = std::get_if<double>(&value);
  return number == nullptr ? value : formats::whole_value(*number).value_or(value);
}

formats::AttributeValue usual_nodata(DType dtype) {
  if (is_floating(dtype)) return kNan;
  const IntInfo limits = iinfo(dtype);
  return limits.min < 0 ? formats::AttributeValue(static_cast<std::int64_t>(limits.min)) : formats::whole_value(limits.max);
}

/// Beside integers a whole number as such: float64 has no room for the last of int64.
Operand operand_of(const formats::AttributeValue& given, DType beside) {
  const formats::AttributeValue value = is_integer(beside) ? as_whole(given) : given;
  if (const auto* whole = std::get_if<std::int64_t>(&value)) return *whole;
  if (const auto* large = std::get_if<std::uint64_t>(&value)) return *large;
  return std::get<double>(value);
}

/// What the image's own mask leaves out is missing.
void obey_mask(const Opened& opened, const DType stored, DatasetVariable& variable) {
  const std::optional<Array> mask = mask_of_raster(opened);
  if (!mask || is_complex(variable.array.dtype())) return;
  variable.array = where(*mask, floating(variable.array), kNan);
  if (variable.array.dtype() != stored) variable.encoding.dtype = stored;
  say_nodata(variable);
}

}  // namespace

std::optional<Array> mask_of_raster(const Opened& opened) {
  const formats::Variable& variable = opened.variable();
  const bool is_raster = opened.contents().format == "geotiff" || opened.contents().format == "gdal";
  if (!is_raster || variable.source == nullptr) return std::nullopt;
  const Shape& shape = variable.source->spec().shape;
  const int rank = shape.rank();
  const std::string wanted = variable.name.empty() ? "mask" : variable.name + "_mask";
  for (const formats::Variable& other : opened.contents().variables) {
    if (other.name != wanted || other.source == nullptr || rank < 2) continue;
    const Shape& mask = other.source->spec().shape;
    if (mask.rank() == 2 && mask[0] == shape[rank - 2] && mask[1] == shape[rank - 1]) return elementwise("not_equal", {from_source(other.source), 0});
  }
  return std::nullopt;
}

DatasetVariable decode_raster(const DatasetVariable& variable, const CfOptions& options) {
  if (!options.decode_cf || !options.mask_and_scale || is_complex(variable.array.dtype())) return variable;
  const int rank = variable.array.rank();
  const int axis = std::max(0, variable.axis_of("band"));
  const Index bands = variable.axis_of("band") >= 0 ? variable.array.shape()[axis] : 1;
  Split words = split(variable, bands);
  // A scale of one band, and an offset of all: each band has both.
  const bool by_band = !words.scales.empty() || !words.offsets.empty();
  if (by_band) {
    std::vector<formats::Attribute> left;
    for (formats::Attribute& attribute : words.attributes) {
      std::vector<double>* list = attribute.key == "scale_factor" ? &words.scales : attribute.key == "add_offset" ? &words.offsets : nullptr;
      if (list == nullptr || !list->empty()) {
        left.push_back(std::move(attribute));
        continue;
      }
      list->assign(static_cast<std::size_t>(bands), *number_of(attribute.value));
      words.obeyed.push_back({attribute.key == "scale_factor" ? "scale" : "offset", attribute.value, ""});
    }
    words.attributes = std::move(left);
  }
  DatasetVariable plain = variable;
  plain.attributes = words.attributes;
  DatasetVariable out = decode_cf(plain, options);
  const auto line = [&]<class T>(const std::vector<T>& values) { return rank == 0 ? array_in_memory(values) : along(array_in_memory(values), axis, rank); };
  if (!words.nodata.empty()) {
    const Array missing = with_real_type(variable.array.dtype(), [&]<class U>(TypeTag<U>) {
      using T = std::conditional_t<std::is_same_v<U, bool>, std::uint8_t, U>;
      std::vector<T> numbers(words.nodata.size());
      std::vector<std::uint8_t> has_one(words.nodata.size());
      for (std::size_t band = 0; band < numbers.size(); ++band) {
        if (!words.nodata[band] || !holds(dtype_of<T>(), *words.nodata[band])) continue;
        numbers[band] = formats::numbers_of(*words.nodata[band]).as<T>().front();
        has_one[band] = 1;
      }
      return elementwise("logical_and", {elementwise("equal", {variable.array, line(numbers)}), elementwise("not_equal", {line(has_one), 0})});
    });
    out.array = where(missing, kNan, floating(out.array));
  }
  if (by_band) {
    out.array = astype(out.array, DType::kFloat64);
    if (!words.scales.empty()) out.array = out.array * line(words.scales);
    if (!words.offsets.empty()) out.array = out.array + line(words.offsets);
  }
  if (out.array.dtype() != variable.array.dtype() && !out.encoding.dtype) out.encoding.dtype = variable.array.dtype();
  out.encoding.attributes.insert(out.encoding.attributes.end(), words.obeyed.begin(), words.obeyed.end());
  if (words.has_nodata) say_nodata(out);
  return out;
}

std::optional<formats::AttributeValue> nodata_of(const std::vector<formats::Attribute>& attributes) {
  for (const char* key : {"nodata", "_FillValue"}) {
    const formats::Attribute* found = find_attribute(attributes, key);
    if (found != nullptr && number_of(found->value)) return found->value;
  }
  return std::nullopt;
}

void check_nodata(const std::string& path, const std::string& format, DType dtype) {
  if (format != "npy" && format != "casa" && (format != "fits" || is_integer(dtype))) return;
  fail(ErrorKind::kUser, "{}: {} has no place for a nodata value{}.", path, format, format == "fits" ? " of floating numbers: NaN is what is missing there" : "");
}

DatasetVariable with_nodata(const DatasetVariable& variable, const formats::AttributeValue& nodata, const std::string& path, const formats::FormatChoice& format) {
  const auto says_missing = [](const formats::Attribute& a) { return a.key == "nodata" || a.key == "_FillValue" || a.key == "missing_value"; };
  const DType dtype = variable.encoding.dtype.value_or(variable.array.dtype());
  check_nodata(path, format.name, dtype);
  try {
    // What was decoded, encode_cf stores by what the encoding says.
    const bool is_decoded = variable.encoding.dtype.has_value();
    const DatasetVariable stored =
        as_stored({variable.name, is_decoded ? astype(variable.array, dtype) : variable.array, variable.dims, variable.attributes}, dtype, {.wanted = nodata});
    DatasetVariable out = variable;
    if (!is_decoded) out.array = stored.array;
    std::erase_if(out.attributes, says_missing);
    std::erase_if(out.encoding.attributes, says_missing);
    (is_decoded ? out.encoding.attributes : out.attributes)
        .push_back({format.holds_several ? "_FillValue" : "nodata", *nodata_of(stored.attributes), dtype == DType::kFloat32 ? "float32" : ""});
    return out;
  } catch (Error& error) {
    throw error.within(variable.name.empty() ? path : fmt::format("{}: variable '{}'", path, variable.name));
  }
}

DatasetVariable as_stored(const DatasetVariable& variable, DType dtype, const NodataChoice& choice) {
  const Array& array = variable.array;
  const std::optional<formats::AttributeValue> now = nodata_of(variable.attributes);
  const bool has_missing = !is_complex(dtype) && !is_complex(array.dtype()) && !is_bool(dtype) && !is_bool(array.dtype());
  if (choice.wanted && (!has_missing || !holds(dtype, *choice.wanted))) {
    fail(ErrorKind::kUser, "nodata {}: {} has no such number{}.", formats::text_of(*choice.wanted), name_of(dtype),
         is_integer(dtype) ? fmt::format("; {} to {} are", iinfo(dtype).min, iinfo(dtype).max) : "");
  }
  DatasetVariable out = variable;
  out.array = astype(array, dtype);
  const bool can_be_missing = has_missing && now && (is_floating(array.dtype()) || holds(array.dtype(), *now));
  if (!can_be_missing && !choice.wanted) return out;
  formats::AttributeValue chosen = usual_nodata(dtype);
  for (const std::optional<formats::AttributeValue>& candidate : {choice.wanted, now, choice.former}) {
    if (!candidate || !holds(dtype, *candidate)) continue;
    chosen = *candidate;
    break;
  }
  if (is_integer(dtype)) chosen = as_whole(chosen);
  const bool is_kept = now && (is_nan(*now) ? is_nan(chosen) : as_whole(*now) == as_whole(chosen));
  if (!is_kept) {
    std::erase_if(out.attributes, [](const formats::Attribute& a) { return a.key == "nodata" || a.key == "_FillValue"; });
    out.attributes.push_back({"nodata", chosen, ""});
  }
  std::optional<Array> missing;
  if (!is_kept && now && !is_nan(*now) && can_be_missing) missing = elementwise("equal", {array, operand_of(*now, array.dtype())});
  // Floating numbers that have a number for it, and NaN beside it, stay as they are.
  if (is_floating(array.dtype()) && !is_nan(chosen) && (!is_kept || is_integer(dtype))) {
    const Array nan = elementwise("isnan", {array});
    missing = missing ? elementwise("logical_or", {*missing, nan}) : nan;
  }
  if (missing) out.array = astype(where(*missing, operand_of(chosen, dtype), out.array), dtype);
  return out;
}

DatasetVariable variable_from(const Opened& opened, const CfOptions& options) {
  DatasetVariable variable{opened.variable().name, opened.array(), opened.variable().dims, opened.variable().attributes};
  variable.dims.resize(static_cast<std::size_t>(variable.array.rank()));
  const std::string& format = opened.contents().format;
  if (format == "geotiff" || format == "gdal") {
    DatasetVariable decoded = decode_raster(variable, options);
    if (options.decode_cf && options.mask_and_scale) obey_mask(opened, variable.array.dtype(), decoded);
    return decoded;
  }
  if (format == "zarr" || opened.contents().is_group) return decode_cf(variable, options);
  return variable;
}

}  // namespace freestone
