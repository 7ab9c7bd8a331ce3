#include "freestone/astro/sky_array.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>

#include "freestone/astro/axis_names.h"
#include "freestone/base/log.h"
#include "freestone/formats/attribute_numbers.h"
#include "freestone/formats/find_attribute.h"
#include "freestone/formats/fits_card.h"
#include "freestone/formats/format_choice.h"
#include "freestone/formats/sink_recipe.h"
#include "freestone/label/georeference.h"
#include "freestone/label/write.h"
#include "freestone/ops/elementwise.h"

namespace freestone::astro {
namespace {

constexpr double kArcsecPerDegree = 3600;

formats::Table beams_table(const std::vector<Beam>& beams) {
  formats::Table table;
  table.name = "BEAMS";
  table.rows = static_cast<Index>(beams.size());
  table.columns = {{.name = "BMAJ", .unit = "arcsec"},
                   {.name = "BMIN", .unit = "arcsec"},
                   {.name = "BPA", .unit = "deg"},
                   {.name = "CHAN", .code = 'J'},
                   {.name = "POL", .code = 'J'}};
  for (Index channel = 0; channel < table.rows; ++channel) {
    const Beam& beam = beams[static_cast<std::size_t>(channel)];
    const double row[] = {beam.major_deg * kArcsecPerDegree, beam.minor_deg * kArcsecPerDegree, beam.pa_deg, static_cast<double>(channel),
                          0};
    for (std::size_t c = 0; c < table.columns.size(); ++c) table.columns[c].numbers.push_back(row[c]);
  }
  return table;
}

/// Axes that no file has named are named by their number; where others of that name in the group have another length, by their length, too.
void name_apart(std::vector<SkyArray>& arrays) {
  std::map<std::pair<std::string, std::string>, Index> lengths;
  const auto key_of = [](const SkyArray& array, const std::string& dim) { return std::pair(array.name.substr(0, array.name.rfind('/') + 1), dim); };
  for (const SkyArray& array : arrays)
    for (std::size_t k = 0; k < array.dims.size(); ++k)
      if (!is_nameless_axis(array.dims[k])) lengths.emplace(key_of(array, array.dims[k]), array.data.shape()[static_cast<int>(k)]);
  for (SkyArray& array : arrays) {
    for (std::size_t k = 0; k < array.dims.size(); ++k) {
      std::string& dim = array.dims[k];
      if (!is_nameless_axis(dim)) continue;
      const Index length = array.data.shape()[static_cast<int>(k)];
      if (dim.empty()) dim = fmt::format("axis{}", k);
      if (lengths.emplace(key_of(array, dim), length).first->second == length) continue;
      dim += fmt::format("_{}", length);
      lengths.emplace(key_of(array, dim), length);
    }
  }
}

/// Names that a file gave, without those that stand for none.
std::vector<std::string> written_dims(const SkyArray& array) {
  std::vector<std::string> dims;
  bool any = false;
  for (std::size_t k = 0; k < array.dims.size(); ++k) {
    const bool stands_for_none = is_nameless_axis(array.dims[k]);
    dims.push_back(stands_for_none ? "" : array.dims[k]);
    any = any || !stands_for_none;
  }
  return any ? dims : std::vector<std::string>();
}

}  // namespace

int SkyArray::axis(const std::string& name) const {
  for (int k = 0; k < rank(); ++k)
    if (dims[static_cast<std::size_t>(k)] == name) return k;
  Index number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error == std::errc() && end == name.data() + name.size() && !name.empty()) return normal_axis(number, rank());
  std::vector<std::string> names = dims;
  for (int k = 0; k < wcs.rank(); ++k) {
    const std::string world = wcs.name(k);
    if (world.empty()) continue;
    if (world == name) return k;
    names.push_back(world);
  }
  std::string list;
  for (const std::string& dim : dims) list += (list.empty() ? "" : ", ") + dim;
  fail(ErrorKind::kUser, "Axis '{}' is not in ({}).{}", name, list, suggestion(name, names));
}

void SkyArray::write(const std::string& path, const WriteOptions& options, const ComputeOptions& compute) const {
  astro::write(*this, path, options, compute);
}

std::vector<double> axis_coordinates(const SkyArray& array, int axis) {
  const Index n = array.data.shape()[axis];
  const int rank = array.wcs.rank();
  if (rank > 0 && array.wcs.kind(axis) == WorldKind::kSpectral) return array.wcs.spectral_values(n);
  std::vector<double> out(static_cast<std::size_t>(n));
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<double>(i);
  if (rank == 0) return out;
  const auto width = static_cast<std::size_t>(rank), at = static_cast<std::size_t>(axis);
  std::vector<double> pixels(out.size() * width, 0);
  for (std::size_t i = 0; i < out.size(); ++i) pixels[i * width + at] = out[i];
  const std::vector<double> world = array.wcs.pixel_to_world(pixels);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = world[i * width + at];
  return out;
}

namespace {

/// The cards that say where an array lies, what it is measured in and what was done to it.
std::string cards_of(const SkyArray& array, const WriteOptions& options) {
  FitsHeader header = array.header.without_structure();
  const std::string unit = array.unit.to_string();
  if (!unit.empty()) header.set("BUNIT", unit);
  if (!array.beams.empty()) {
    header.set("CASAMBM", true, "beams by channel in table BEAMS");
  } else if (array.beam) {
    set_beam(header, *array.beam);
  }
  if (!options.history.empty()) header.add_history(options.history);
  return array.wcs.to_header_cards() + header.format();
}

void put(std::vector<formats::Attribute>& attributes, formats::Attribute attribute) {
  std::erase_if(attributes, [&](const formats::Attribute& a) { return a.key == attribute.key; });
  attributes.push_back(std::move(attribute));
}

void rename(std::vector<formats::Attribute>& attributes, std::string_view from, std::string to) {
  const auto found = std::find_if(attributes.begin(), attributes.end(), [&](const formats::Attribute& a) { return a.key == from; });
  if (found == attributes.end()) return;
  formats::Attribute renamed{std::move(to), found->value, found->comment};
  attributes.erase(found);
  put(attributes, std::move(renamed));
}

/// What GeoTIFF says of stored numbers, in CF's words. Lists, one number a band, are no such thing.
void attributes_for_cf(DatasetVariable& variable) {
  for (const auto& [from, to] : {std::pair("nodata", "_FillValue"), std::pair("scale", "scale_factor"), std::pair("offset", "add_offset")}) {
    const formats::Attribute* attribute = variable.attribute(from);
    if (attribute == nullptr) continue;
    const bool is_number = formats::number_of(attribute->value).has_value();
    const bool is_integral = !is_floating(variable.array.dtype());
    const auto* number = std::get_if<double>(&attribute->value);
    if (!is_number || (std::string_view(from) == "nodata" && is_integral && number != nullptr && std::trunc(*number) != *number)) continue;
    rename(variable.attributes, from, to);
  }
}

/// The linear WCS that evenly spaced coordinates of an array without one are, and the names of those that are none.
std::string cards_of_coordinates(const SkyArray& array, std::vector<std::string>& lost) {
  FitsHeader header;
  for (int k = 0; k < array.rank(); ++k) {
    const std::string& dim = array.dims[static_cast<std::size_t>(k)];
    const int number = array.rank() - k;
    const auto found = std::find_if(array.coordinates.begin(), array.coordinates.end(),
                                    [&](const DatasetVariable& c) { return c.is_dimension_coordinate() && c.dims[0] == dim; });
    std::string type;
    for (const char c : dim) type += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    header.set(fmt::format("CTYPE{}", number), type);
    if (found == array.coordinates.end()) continue;
    const auto line = even_spacing(*found);
    if (!line) {
      lost.push_back(found->name);
      continue;
    }
    header.set(fmt::format("CRPIX{}", number), 1.0);
    header.set(fmt::format("CRVAL{}", number), line->first);
    header.set(fmt::format("CDELT{}", number), line->step);
    const std::string units = found->text("units");
    const bool is_degrees = units.starts_with("degree");
    if (!units.empty()) header.set(fmt::format("CUNIT{}", number), is_degrees ? std::string("deg") : units);
  }
  return header.format();
}

/// A request for one array as `store_missing` leaves it; chunks and compression are those of `given`, which it was made of.
formats::WriteRequest request_for(const SkyArray& array, const Array& given, const std::string& path, const WriteOptions& options) {
  formats::WriteRequest request{.path = path, .format = options.format, .overwrite = options.overwrite, .packing = options.packing};
  request.unlimited_dims = options.unlimited_dims;
  request.append = options.append;
  request.name = array.name;
  request.plain_attributes = array.attributes;
  request.dims = written_dims(array);
  take_storage(request, given);
  if (!(array.data == given)) request.nominal_deflate.reset();
  if (!array.beams.empty()) request.tables.push_back(beams_table(array.beams));
  request.header_cards = cards_of(array, options);
  return request;
}

Output stored_output(const SkyArray& array, const Array& given, const std::string& path, const WriteOptions& options) {
  const Spec& spec = array.data.spec();
  const formats::WriteRequest request = request_for(array, given, path, options);
  return {array.data, formats::create_sink(spec, request), [spec, request] { return formats::sink_recipe(spec, request); }};
}

/// One array for a format that holds one: what coordinates say becomes what the format has for it. `array` and `given` as in `request_for`.
std::vector<Output> single_output(const SkyArray& array, const Array& given, const std::string& path, const WriteOptions& options,
                                  const formats::FormatChoice& choice) {
  const std::string& format = choice.name;
  SkyArray one = array;
  std::vector<std::string> lost;
  if (format == "geotiff" || format == "cog") {
    DatasetVariable variable = variable_of(array);
    raster_for_pixels(variable, array.coordinates);
    rename(variable.attributes, "scale_factor", "scale");
    rename(variable.attributes, "add_offset", "offset");
    for (const char* key : {"grid_mapping", "coordinates"}) std::erase_if(variable.attributes, [&](const auto& a) { return a.key == key; });
    one.attributes = std::move(variable.attributes);
    for (const DatasetVariable& coordinate : array.coordinates) {
      const int axis = coordinate.is_dimension_coordinate() && array.rank() == 3 && coordinate.dims[0] == array.dims[0] ? 0 : -1;
      if (axis == 0) lost.push_back(coordinate.name);
    }
  } else if (format == "fits") {
    std::string cards;
    if (array.wcs.rank() == 0 && !array.coordinates.empty()) one.wcs = Wcs::from_cards(cards_of_coordinates(array, lost), array.rank());
    for (const formats::Attribute& attribute : array.attributes) {
      const bool is_said = attribute.key == "units" || attribute.key == "grid_mapping" || attribute.key == "coordinates";
      const bool is_one = !std::holds_alternative<std::vector<std::int64_t>>(attribute.value) && !std::holds_alternative<std::vector<double>>(attribute.value) &&
                          !std::holds_alternative<std::vector<std::string>>(attribute.value);
      if (!is_said && is_one && attribute.comment != "JSON") cards += formats::fits::format_cards({attribute.key, attribute.value, ""});
    }
    if (!cards.empty()) one.header = FitsHeader::parse(cards + one.header.format());
  } else if (choice.holds_several) {
    DatasetVariable variable = variable_of(array);
    attributes_for_cf(variable);
    one.attributes = std::move(variable.attributes);
  }
  if (!lost.empty()) log(LogLevel::kWarning, "{}: {} has no place for the coordinates {}.", path, format, fmt::join(lost, ", "));
  if (!options.mask || !choice.holds_mask) return {stored_output(one, given, path, options)};
  const auto sinks = formats::create_masked_sinks(one.data.spec(), request_for(one, given, path, options));
  return {{one.data, sinks[0]}, {*options.mask, sinks[1]}};
}

/// The elements become those of `options.dtype`; what is missing in a raster becomes a number where the dtype has no NaN, or another one is wanted.
void store_missing(SkyArray& array, const std::string& path, const std::string& format, const WriteOptions& options) {
  const DType dtype = options.dtype.value_or(array.data.dtype());
  if (options.nodata.wanted) check_nodata(path, format, dtype);
  DatasetVariable variable{array.name, array.data, array.dims, array.attributes};
  try {
    variable = as_stored(variable, dtype, options.nodata);
  } catch (Error& error) {
    throw error.within(path);
  }
  array.data = variable.array;
  array.attributes = std::move(variable.attributes);
}

}  // namespace

Output output_for(const SkyArray& array, const std::string& path, const WriteOptions& options) {
  SkyArray stored = array;
  store_missing(stored, path, formats::format_for(path, options.format).name, options);
  return stored_output(stored, array.data, path, options);
}

std::vector<Output> outputs_for(const std::vector<SkyArray>& arrays, const std::vector<formats::Attribute>& attributes, const std::string& path,
                                const WriteOptions& options) {
  const formats::FormatChoice format = formats::format_for(path, options.format);
  if (options.mask && !format.holds_mask) {
    log(LogLevel::kWarning, "{}: the image's mask is left out: {} has none beside an array. 'freestone run' makes NaN of what it leaves out.", path, format.name);
  }
  std::vector<SkyArray> typed = arrays;
  for (SkyArray& array : typed) store_missing(array, path, format.name, options);
  // A Zarr array that was chosen is an array; netCDF has the name and the attributes of the whole beside it.
  const bool is_bare = !options.is_dataset && (format.name == "zarr" || (arrays[0].name.empty() && attributes.empty()));
  // A rotated raster has no coordinates, and a place all the same, which a variable beside it describes.
  const bool has_place = format.name != "zarr" && (!formats::text_in(arrays[0].attributes, "crs").empty() || geo_transform_of(arrays[0].attributes));
  const bool is_plain = !has_place && arrays.size() == 1 && arrays[0].coordinates.empty() && options.beside.empty() && options.texts.empty() && is_bare;
  if (arrays.size() == 1 && !format.holds_several) tell_texts_left_out(path, options.texts, fmt::format("{} holds one array. .nc, .h5 and .zarr have texts", format.name));
  if (arrays.size() == 1 && (is_plain || !format.holds_several)) return single_output(typed[0], arrays[0].data, path, options, format);
  if (!format.holds_several) {
    std::vector<std::string> names;
    for (const SkyArray& array : arrays) names.push_back(array.name);
    fail(ErrorKind::kUser, "{}: a file of {} holds one array, and there are {}: {}. Choose one with --var, or write .nc or .zarr.", path, format.name,
         arrays.size(), fmt::join(names, ", "));
  }
  name_apart(typed);
  const Dataset dataset = dataset_of(typed, attributes);
  std::vector<DatasetVariable> coordinates, variables;
  for (const DatasetVariable& variable : dataset.variables()) {
    const bool is_data = std::any_of(typed.begin(), typed.end(), [&](const SkyArray& a) { return (a.name.empty() ? "data" : a.name) == variable.name; });
    (is_data ? variables : coordinates).push_back(variable);
  }
  for (const DatasetVariable& coordinate : options.beside) {
    if (!dataset.contains(coordinate.name)) coordinates.push_back(coordinate);
  }
  for (std::size_t k = 0; k < variables.size(); ++k) {
    raster_for_cf(variables[k], coordinates);
    attributes_for_cf(variables[k]);
    WriteOptions silent = options;
    silent.history.clear();
    if (typed[k].wcs.rank() == 0 && typed[k].header.cards().empty() && !typed[k].beam && typed[k].beams.empty()) continue;
    for (formats::Attribute& attribute : formats::fits::parse_cards(formats::fits::sanitised_cards(cards_of(typed[k], silent)))) {
      if (!attribute.key.empty()) put(variables[k].attributes, std::move(attribute));
    }
  }
  std::vector<formats::Attribute> whole = attributes;
  if (options.history.find(" ! ") != std::string::npos) {
    const auto before = std::find_if(whole.begin(), whole.end(), [](const formats::Attribute& a) { return a.key == "history"; });
    const auto* text = before == whole.end() ? nullptr : std::get_if<std::string>(&before->value);
    put(whole, {"history", text == nullptr ? options.history : options.history + "\n" + *text, ""});
  }
  coordinates.insert(coordinates.end(), variables.begin(), variables.end());
  return freestone::outputs_for(Dataset(dataset.path(), std::move(coordinates), std::move(whole)), path,
                                {.overwrite = options.overwrite, .format = options.format, .unlimited_dims = options.unlimited_dims, .groups = options.groups,
                                 .append = options.append, .packing = options.packing, .texts = options.texts});
}

void write(const SkyArray& array, const std::string& path, const WriteOptions& options, const ComputeOptions& compute) {
  write_outputs({output_for(array, path, options)}, compute);
}

}  // namespace freestone::astro
