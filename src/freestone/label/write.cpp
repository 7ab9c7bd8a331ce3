#include "freestone/label/write.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <set>

#include "freestone/base/log.h"
#include "freestone/formats/format.h"
#include "freestone/formats/format_choice.h"
#include "freestone/formats/sink_recipe.h"
#include "freestone/label/cf.h"
#include "freestone/label/georeference.h"
#include "freestone/label/raster.h"
#include "freestone/label/stored_deflate.h"

namespace freestone {

namespace {

/// For requests of one array, and of one among several.
template <class Request>
void take_nominal_storage(Request& request, const Array& array) {
  request.nominal_deflate = stored_deflate(array);
  if (array.chunks().is_contiguous()) return;
  request.nominal_chunks = array.chunks().chunk();
  request.chunks_are_wanted = array.node()->op->name() == "rechunk";
}

/// The attribute "coordinates" of CF: scalar ones and those of several axes, which no axis names.
void name_coordinates(const Dataset& dataset, DatasetVariable& variable) {
  if (variable.attribute("coordinates") != nullptr) return;
  std::vector<std::string> names;
  const std::vector<DatasetVariable> all = coordinates_of(dataset, variable);
  const std::vector<std::string> mappings = grid_mapping_names(variable);
  for (const DatasetVariable& coordinate : all) {
    const bool is_bounds = std::any_of(all.begin(), all.end(), [&](const DatasetVariable& other) {
      return other.text("bounds") == coordinate.name || other.text("climatology") == coordinate.name;
    });
    // Names in attributes are those of neighbours in the same group.
    if (!coordinate.is_dimension_coordinate() && !is_bounds && std::ranges::find(mappings, coordinate.name) == mappings.end()) names.push_back(coordinate.name.substr(coordinate.name.rfind('/') + 1));
  }
  if (!names.empty()) variable.attributes.push_back({"coordinates", fmt::format("{}", fmt::join(names, " ")), ""});
}

/// Labels that are written: whose axes are as long as those of that name, in a format that has such; the others are told of.
std::vector<formats::TextRequest> texts_for(const std::vector<formats::TextRequest>& all, const formats::DatasetRequest& request, const std::string& format) {
  std::vector<formats::TextRequest> out;
  if (!request.append.empty()) return out;
  if (format != "netcdf4" && format != "hdf5" && format != "zarr") {
    tell_texts_left_out(request.path, all, fmt::format("{} has none. .nc, .h5 and .zarr have", format));
    return out;
  }
  std::set<std::pair<std::string, Index>> axes;
  std::set<std::string> names;
  const auto add = [&](const std::vector<std::string>& dims, const Shape& shape) {
    for (std::size_t k = 0; k < dims.size(); ++k) axes.emplace(dims[k], shape[static_cast<int>(k)]), names.insert(dims[k]);
  };
  for (const formats::VariableRequest& variable : request.variables) add(variable.dims, variable.spec.shape);
  std::vector<formats::TextRequest> without_names, of_other_lengths;
  for (const formats::TextRequest& texts : all) {
    bool has_names = true, fits = true;
    for (std::size_t k = 0; k < texts.dims.size(); ++k) {
      has_names = has_names && !texts.dims[k].empty();
      fits = fits && (!names.contains(texts.dims[k]) || axes.contains({texts.dims[k], texts.texts.shape[static_cast<int>(k)]}));
    }
    if (has_names && fits) add(texts.dims, texts.texts.shape);
    (!has_names ? without_names : fits ? out : of_other_lengths).push_back(texts);
  }
  tell_texts_left_out(request.path, without_names, "their axes have no names, by which they would belong to an array");
  tell_texts_left_out(request.path, of_other_lengths, "an array has an axis of that name, and of another length");
  return out;
}

/// Adds those texts that are coordinates to the attribute "coordinates" of the variables that have their axes.
void name_texts(formats::DatasetRequest& request) {
  for (const formats::TextRequest& text : request.texts) {
    if (!text.is_coordinate) continue;
    for (formats::VariableRequest& variable : request.variables) {
      const auto has = [&](const std::string& dim) { return std::find(variable.dims.begin(), variable.dims.end(), dim) != variable.dims.end(); };
      const bool is_axis = variable.dims.size() == 1 && variable.dims[0] == variable.name;
      if (is_axis || !std::all_of(text.dims.begin(), text.dims.end(), has)) continue;
      const auto found = std::find_if(variable.attributes.begin(), variable.attributes.end(), [](const formats::Attribute& a) { return a.key == "coordinates"; });
      auto* said = found == variable.attributes.end() ? nullptr : std::get_if<std::string>(&found->value);
      if (said == nullptr) {
        variable.attributes.push_back({"coordinates", text.name, ""});
      } else if (fmt::format(" {} ", *said).find(fmt::format(" {} ", text.name)) == std::string::npos) {
        *said += " " + text.name;
      }
    }
  }
}

}  // namespace

void tell_texts_left_out(const std::string& path, const std::vector<formats::TextRequest>& texts, const std::string& why) {
  if (texts.empty()) return;
  constexpr std::size_t kShown = 8;
  std::vector<std::string> names;
  for (std::size_t k = 0; k < std::min(texts.size(), kShown); ++k) names.push_back("'" + texts[k].name + "'");
  const std::string more = texts.size() > kShown ? fmt::format(" and {} more", texts.size() - kShown) : "";
  log(LogLevel::kWarning, "{}: the texts of {}{} are left out: {}.", path, fmt::join(names, ", "), more, why);
}

void take_storage(formats::WriteRequest& request, const Array& array) { take_nominal_storage(request, array); }

Output output_for(const Array& array, const std::string& path, const ArrayWriteOptions& options) {
  formats::WriteRequest request;
  request.path = path;
  request.format = options.format;
  request.overwrite = options.overwrite;
  request.dims = options.dims;
  request.attributes = options.attributes;
  request.packing = options.packing;
  request.unlimited_dims = options.unlimited_dims;
  request.append = options.append;
  take_storage(request, array);
  DatasetVariable stored{"", array, options.dims, options.attributes};
  if (options.nodata) {
    stored = with_nodata(stored, *options.nodata, path, formats::format_for(path, options.format));
    request.attributes = stored.attributes;
    if (!(stored.array == array)) request.nominal_deflate.reset();
  }
  return {stored.array, formats::create_sink(array.spec(), request), [spec = array.spec(), request] { return formats::sink_recipe(spec, request); }};
}

void write(const Array& array, const std::string& path, const ArrayWriteOptions& options, const ComputeOptions& compute) {
  write_outputs({output_for(array, path, options)}, compute);
}

std::vector<std::string> unlimited_dims_in(const std::string& format, const std::vector<std::string>& dims, const Dataset& dataset,
                                           const std::vector<formats::TextRequest>& texts) {
  std::vector<std::vector<std::string>> axes;
  for (const DatasetVariable& variable : dataset.variables()) axes.push_back(variable.dims);
  for (const formats::TextRequest& text : texts) axes.push_back(text.dims);
  return formats::unlimited_dims_in(format, dims, axes);
}

std::vector<Output> outputs_for(const Dataset& dataset, const std::string& path, const DatasetWriteOptions& options) {
  formats::DatasetRequest request{.path = path, .format = options.format, .overwrite = options.overwrite, .attributes = dataset.attributes(),
                                  .variables = {}, .unlimited_dims = options.unlimited_dims.value_or(std::vector<std::string>()), .append = options.append};
  const formats::FormatChoice format = formats::format_for(path, options.format);
  if (!options.unlimited_dims && options.append.empty())
    request.unlimited_dims = unlimited_dims_in(format.name, dataset.unlimited_dims(), dataset, options.texts);
  std::vector<Array> arrays;
  for (const DatasetVariable& variable : dataset.variables()) {
    DatasetVariable stored = encode_cf(options.nodata && !variable.is_coordinate() ? with_nodata(variable, *options.nodata, path, format) : variable);
    if (!variable.is_coordinate()) {
      name_coordinates(dataset, stored);
      // What readers of netCDF other than xarray take for missing.
      const bool has_fill = stored.attribute("_FillValue") != nullptr || stored.attribute("missing_value") != nullptr;
      if (!has_fill && is_floating(stored.array.dtype()) && format.name.starts_with("netcdf")) {
        const bool is_float32 = stored.array.dtype() == DType::kFloat32;
        stored.attributes.push_back({"_FillValue", std::numeric_limits<double>::quiet_NaN(), is_float32 ? "float32" : ""});
      }
    }
    formats::VariableRequest one{.name = stored.name, .spec = stored.array.spec(), .dims = stored.dims, .attributes = stored.attributes};
    if (!variable.is_coordinate()) {
      one.packing = options.packing;
      if (one.packing.chunks.rank() != stored.array.rank()) one.packing.chunks = {};
      if (one.packing.shards.rank() != stored.array.rank()) one.packing.shards = {};
    }
    take_nominal_storage(one, variable.array);
    if (!one.nominal_deflate) one.nominal_deflate = variable.encoding.deflate;
    request.variables.push_back(std::move(one));
    arrays.push_back(stored.array);
  }
  for (const Shape* asked : {&options.packing.chunks, &options.packing.shards}) {
    if (asked->empty()) continue;
    std::string ranks;
    bool is_used = false;
    for (const DatasetVariable& variable : dataset.variables()) {
      if (variable.is_coordinate()) continue;
      is_used = is_used || variable.array.rank() == asked->rank();
      ranks += fmt::format("{}{} has {} axes", ranks.empty() ? "" : ", ", variable.name, variable.array.rank());
    }
    if (!is_used) fail(ErrorKind::kUser, "{}: chunks of {} lengths are asked for, and {}.", path, asked->rank(), ranks);
  }
  std::vector<formats::TextRequest> texts = dataset.texts();
  texts.insert(texts.end(), options.texts.begin(), options.texts.end());
  request.texts = texts_for(texts, request, format.name);
  request.groups = options.groups;
  name_texts(request);
  const auto sinks = formats::create_sinks(request);
  std::vector<Output> out;
  for (std::size_t i = 0; i < sinks.size(); ++i) out.push_back({arrays[i], sinks[i]});
  return out;
}

void write(const Dataset& dataset, const std::string& path, const DatasetWriteOptions& options, const ComputeOptions& compute) {
  write_outputs(outputs_for(dataset, path, options), compute);
}

}  // namespace freestone
