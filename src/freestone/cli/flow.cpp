#include "freestone/cli/flow.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>

#include "freestone/base/log.h"
#include "freestone/label/cf.h"
#include "freestone/label/combine.h"
#include "freestone/label/open.h"
#include "freestone/label/raster.h"

namespace freestone::cli {
namespace {

/// What people call an axis, and how a coordinate says that it is one: standard names, CF's `axis`, endings of units, names.
struct Role {
  const char* name;
  std::vector<std::string> also, standard_names, axes, units, names;
};
const std::vector<Role>& roles() {
  static const std::vector<Role> kRoles = {
      {"time", {"t"}, {"time"}, {"T"}, {}, {"time", "t"}},
      {"lat", {"latitude"}, {"latitude"}, {}, {"degrees_north", "degree_north", "degrees_N", "degree_N"}, {"lat", "latitude"}},
      {"lon", {"longitude"}, {"longitude"}, {}, {"degrees_east", "degree_east", "degrees_E", "degree_E"}, {"lon", "longitude"}},
      {"level", {"lev", "height", "depth", "plev"}, {"air_pressure", "height", "depth", "altitude"}, {"Z"}, {}, {"level", "lev", "plev", "height", "depth"}},
  };
  return kRoles;
}

bool is_in(const std::vector<std::string>& list, const std::string& text) { return std::find(list.begin(), list.end(), text) != list.end(); }

bool plays(const DatasetVariable& coordinate, const Role& role) {
  const std::string units = coordinate.text("units");
  return is_in(role.standard_names, coordinate.text("standard_name")) || is_in(role.axes, coordinate.text("axis")) || is_in(role.units, units) ||
         is_in(role.names, coordinate.name) || (std::string(role.name) == "time" && are_time_units(units));
}

/// Names without the group that all of them are in.
void shorten_names(std::vector<astro::SkyArray>& arrays) {
  const std::string& first = arrays.front().name;
  const std::string group = first.substr(0, first.rfind('/') + 1);
  if (group.empty() || !std::all_of(arrays.begin(), arrays.end(), [&](const auto& a) { return a.name.substr(0, a.name.rfind('/') + 1) == group; })) return;
  for (astro::SkyArray& array : arrays) {
    array.name = array.name.substr(group.size());
    for (DatasetVariable& coordinate : array.coordinates) coordinate.name = coordinate.name.substr(coordinate.name.rfind('/') + 1);
  }
}

/// Coordinates that no array has, and which texts are coordinates: what is written as it is has them too.
void take_what_stands_beside(Flow& flow, const Dataset& dataset) {
  const std::vector<std::string> names = dataset.text_coordinates();
  for (formats::TextRequest& text : flow.texts) text.is_coordinate = std::find(names.begin(), names.end(), text.name) != names.end();
  for (const DatasetVariable& variable : dataset.variables()) {
    const auto is_this = [&](const auto& one) { return one.name == variable.name; };
    const bool is_taken = std::any_of(flow.arrays.begin(), flow.arrays.end(), [&](const astro::SkyArray& array) {
      return is_this(array) || std::any_of(array.coordinates.begin(), array.coordinates.end(), is_this);
    });
    if (!is_taken && variable.name.find('/') == std::string::npos) flow.beside.push_back(variable);
  }
}

/// Texts of other arrays' axes were not asked for.
void keep_texts_of_arrays(Flow& flow) {
  std::erase_if(flow.texts, [&](const formats::TextRequest& text) {
    return !std::all_of(text.dims.begin(), text.dims.end(), [&](const std::string& dim) {
      return std::any_of(flow.arrays.begin(), flow.arrays.end(), [&](const astro::SkyArray& array) { return is_in(array.dims, dim); });
    });
  });
}

/// Of a FITS file without groups one image is taken.
void tell_other_images(const Opened& opened) {
  std::vector<std::string> others;
  for (const formats::Variable& variable : opened.contents().variables) {
    if (variable.source && &variable != &opened.variable()) others.push_back(variable.name.empty() ? std::to_string(variable.hdu) : variable.name);
  }
  constexpr std::size_t kShown = 8;
  if (others.empty()) return;
  const std::string more = others.size() > kShown ? fmt::format(" and {} more", others.size() - kShown) : "";
  others.resize(std::min(others.size(), kShown));
  log(LogLevel::kWarning, "{}: its first image is taken; {}{} {} left out. --var names another.", opened.contents().path, fmt::join(others, ", "), more,
      others.size() == 1 ? "is" : "are");
}

/// Once for all that cannot be read for the same reason.
void tell_what_is_left_out(const formats::Contents& contents) {
  std::vector<std::pair<std::string, std::vector<std::string>>> reasons;
  for (const formats::Variable& variable : contents.variables) {
    if (variable.source || variable.texts) continue;
    const auto known = std::find_if(reasons.begin(), reasons.end(), [&](const auto& reason) { return reason.first == variable.note; });
    auto& names = known != reasons.end() ? known->second : reasons.emplace_back(variable.note, std::vector<std::string>()).second;
    names.push_back("'" + variable.name + "'");
  }
  constexpr std::size_t kShown = 8;
  for (auto& [note, names] : reasons) {
    const bool is_one = names.size() == 1;
    if (names.size() > kShown) {
      const std::string more = fmt::format("{} more", names.size() - kShown);
      names.resize(kShown);
      names.push_back(more);
    }
    log(LogLevel::kWarning, "{}: {} {} left out: {}.", contents.path, fmt::join(names, ", "), is_one ? "is" : "are", note);
  }
}

void take_dataset(Flow& flow, const Dataset& dataset, const std::vector<std::string>& variables) {
  std::vector<std::string> names = variables.empty() ? dataset.data_names() : variables;
  if (names.empty()) names = dataset.coordinate_names();
  if (names.empty()) fail(ErrorKind::kUser, "{}: it holds no array that can be read.", dataset.path());
  flow.attributes = dataset.attributes();
  flow.unlimited_dims = dataset.unlimited_dims();
  for (const std::string& name : names) flow.arrays.push_back(astro::sky_array_from(dataset, name));
  flow.is_whole = variables.empty();
  if (flow.is_whole) take_what_stands_beside(flow, dataset);
  shorten_names(flow.arrays);
}

}  // namespace

astro::SkyArray& Flow::array() {
  if (arrays.size() == 1) return arrays.front();
  fail(ErrorKind::kUser, "One array is wanted here, and there are {}: {}. Choose one with --var, before the first '!', or by '! select --var {}'.",
       arrays.size(), names(), arrays.empty() ? "NAME" : arrays.front().name);
}

std::string Flow::names() const {
  std::string out;
  for (const astro::SkyArray& array : arrays) out += (out.empty() ? "" : ", ") + (array.name.empty() ? std::string("data") : array.name);
  return out;
}

std::optional<int> Flow::axis_of(const astro::SkyArray& array, const std::string& name) {
  const auto found = std::find(array.dims.begin(), array.dims.end(), name);
  if (found != array.dims.end()) return static_cast<int>(found - array.dims.begin());
  try {
    return array.axis(name);
  } catch (const Error&) {
    return std::nullopt;
  }
}

void Flow::each(const std::vector<std::string>& axes, const Change& change) {
  if (arrays.size() == 1) {
    arrays[0] = change(arrays[0], axes);
    return;
  }
  std::vector<bool> is_known(axes.size(), false);
  for (astro::SkyArray& array : arrays) {
    std::vector<std::string> present;
    for (std::size_t k = 0; k < axes.size(); ++k) {
      if (!axis_of(array, axes[k])) continue;
      present.push_back(axes[k]);
      is_known[k] = true;
    }
    if (axes.empty() || !present.empty()) array = change(array, present);
  }
  for (std::size_t k = 0; k < axes.size(); ++k) {
    if (is_known[k]) continue;
    std::vector<std::string> dims;
    for (const astro::SkyArray& array : arrays)
      for (const std::string& dim : array.dims)
        if (!is_in(dims, dim)) dims.push_back(dim);
    fail(ErrorKind::kUser, "Axis '{}' is in none of {}.{} There are {}.", axes[k], names(), suggestion(axes[k], dims), fmt::join(dims, ", "));
  }
}

void Flow::change_labels(const std::function<Dataset(const Dataset&)>& change) {
  const Dataset changed = change(labelled());
  for (astro::SkyArray& array : arrays) array = astro::with_labels(array, changed);
}

std::string Flow::dim(const std::string& name) const {
  std::vector<std::string> dims;
  for (const astro::SkyArray& array : arrays) {
    for (const std::string& dim : array.dims) {
      if (dim == name) return dim;
      if (!is_in(dims, dim)) dims.push_back(dim);
    }
  }
  for (const Role& role : roles()) {
    if (name != role.name && !is_in(role.also, name)) continue;
    for (const astro::SkyArray& array : arrays)
      for (const DatasetVariable& coordinate : array.coordinates)
        if (coordinate.is_dimension_coordinate() && plays(coordinate, role)) return coordinate.dims[0];
  }
  fail(ErrorKind::kUser, "There is no axis '{}'.{} There are {}.", name, suggestion(name, dims), fmt::join(dims, ", "));
}

std::vector<std::string> files_of(const std::string& input) {
  const formats::Selected selected = formats::split_selector(input);
  std::error_code error;
  if (!selected.selector.empty() && std::filesystem::exists(selected.path, error)) return {input};
  return expand_paths(input);
}

Flow open_flow(const std::vector<std::string>& inputs, const std::vector<std::string>& variables, const CfOptions& numbers) {
  Flow flow;
  std::vector<std::string> files;
  for (const std::string& input : inputs) {
    for (std::string& file : files_of(input)) files.push_back(std::move(file));
  }
  if (files.size() > 1) {
    take_dataset(flow, open_datasets(files, "", numbers, {.variables = variables}), variables);
    return flow;
  }
  const formats::Selected selected = formats::split_selector(files.front());
  formats::Contents contents = formats::open_file(selected.path);
  for (const formats::Variable& variable : contents.variables) {
    if (variable.texts) flow.texts.push_back({variable.name, *variable.texts, variable.dims, variable.attributes});
  }
  if (contents.is_group && selected.selector.empty()) {
    if (variables.empty()) tell_what_is_left_out(contents);
    flow.groups = contents.groups;
    // What cannot be read has a better answer than that it is not there.
    for (const std::string& name : variables) formats::select_variable(contents, name);
    take_dataset(flow, decode_cf(dataset_from(contents), numbers), variables);
    if (!variables.empty()) keep_texts_of_arrays(flow);
    return flow;
  }
  if (variables.size() > 1 || (!variables.empty() && !selected.selector.empty()))
    fail(ErrorKind::kUser, "{}: --var names one part of such a file, and none beside brackets.", files.front());
  const Opened opened(std::move(contents), variables.empty() ? selected.selector : variables.front());
  flow.arrays.push_back(astro::sky_array_from(opened, numbers));
  if (numbers.mask_and_scale) flow.nodata = nodata_of(opened.variable().attributes);
  if (!numbers.mask_and_scale) flow.mask = mask_of_raster(opened);
  if (!numbers.mask_and_scale && opened.contents().format == "fits" && variables.empty() && selected.selector.empty()) tell_other_images(opened);
  keep_texts_of_arrays(flow);
  if (opened.contents().is_group) flow.attributes = opened.contents().attributes, flow.unlimited_dims = opened.contents().unlimited_dims;
  return flow;
}

void add_cell_methods(astro::SkyArray& array, const std::vector<std::string>& dims, const std::string& function) {
  static const std::pair<const char*, const char*> kMethods[] = {{"sum", "sum"}, {"mean", "mean"}, {"min", "minimum"}, {"max", "maximum"}, {"median", "median"},
                                                                 {"std", "standard_deviation"}, {"var", "variance"}};
  const auto method = std::find_if(std::begin(kMethods), std::end(kMethods), [&](const auto& m) { return function == m.first; });
  if (array.name.empty() || method == std::end(kMethods) || dims.empty()) return;
  const auto found = std::find_if(array.attributes.begin(), array.attributes.end(), [](const auto& a) { return a.key == "cell_methods"; });
  const std::string added = fmt::format("{}: {}", fmt::join(dims, ": "), method->second);
  if (found == array.attributes.end()) {
    array.attributes.push_back({"cell_methods", added, ""});
  } else if (const auto* text = std::get_if<std::string>(&found->value)) {
    found->value = *text + " " + added;
  }
}

}  // namespace freestone::cli
