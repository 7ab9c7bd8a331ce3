// Labels of datasets: parts by label and position, groups, windows, weights, interpolation. Names and rules are label/'s, which are xarray's.

#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <fmt/ranges.h>

#include <algorithm>

#include "freestone/astro/sky_array.h"
#include "freestone/formats/format_choice.h"
#include "freestone/label/along_dims.h"
#include "freestone/label/combine.h"
#include "freestone/label/grouping.h"
#include "freestone/label/memory_array.h"
#include "freestone/label/selection.h"
#include "freestone/label/write.h"
#include "freestone/ops/elementwise.h"
#include "freestone/ops/index.h"
#include "module.h"
#include "run.h"

namespace freestone::python {
namespace {

Label label_of(nb::handle value) {
  if (PyUnicode_Check(value.ptr())) return nb::cast<std::string>(value);
  return nb::cast<double>(value);
}

std::optional<Label> bound_of(nb::handle value) {
  if (value.is_none()) return std::nullopt;
  return label_of(value);
}

/// Pairs (axis, label | (first, last, step) | [labels]).
Labels labels_of(const nb::list& wanted) {
  Labels out;
  for (const nb::handle item : wanted) {
    const auto pair = nb::cast<nb::tuple>(item);
    const nb::handle value = pair[1];
    LabelSelector selector = Label(0);
    if (nb::isinstance<nb::tuple>(value)) {
      const auto range = nb::cast<nb::tuple>(value);
      selector = LabelRange{bound_of(range[0]), bound_of(range[1]), range[2].is_none() ? 1 : nb::cast<Index>(range[2])};
    } else if (nb::isinstance<nb::list>(value)) {
      std::vector<Label> labels;
      for (const nb::handle one : nb::cast<nb::list>(value)) labels.push_back(label_of(one));
      selector = std::move(labels);
    } else {
      selector = label_of(value);
    }
    out.emplace_back(nb::cast<std::string>(pair[0]), std::move(selector));
  }
  return out;
}

/// Pairs (axis, position | (start, stop, step) | [positions]).
Positions positions_of(const nb::list& wanted) {
  const auto bound = [](nb::handle value) -> std::optional<Index> {
    if (value.is_none()) return std::nullopt;
    return nb::cast<Index>(value);
  };
  Positions out;
  for (const nb::handle item : wanted) {
    const auto pair = nb::cast<nb::tuple>(item);
    const nb::handle value = pair[1];
    PositionSelector selector = Index{0};
    if (nb::isinstance<nb::tuple>(value)) {
      const auto range = nb::cast<nb::tuple>(value);
      const auto step = bound(range[2]);
      if (step == Index{0}) fail(ErrorKind::kUser, "A slice's step is not 0.");
      selector = Slice{bound(range[0]), bound(range[1]), step.value_or(1)};
    } else if (nb::isinstance<nb::list>(value)) {
      selector = nb::cast<std::vector<Index>>(value);
    } else {
      selector = nb::cast<Index>(value);
    }
    out.emplace_back(nb::cast<std::string>(pair[0]), std::move(selector));
  }
  return out;
}

Match match_of(const std::string& name) {
  if (name.empty()) return Match::kExact;
  if (name == "nearest") return Match::kNearest;
  if (name == "pad" || name == "ffill") return Match::kPad;
  if (name == "backfill" || name == "bfill") return Match::kBackfill;
  fail(ErrorKind::kUser, "method is 'nearest', 'pad' or 'backfill', not '{}'.", name);
}

/// `by` is "time.month", or "resample time 1MS".
Grouping grouping_of(const Dataset& dataset, const std::string& dim, const std::string& by, bool is_resampling) {
  return is_resampling ? resample(dataset, dim, by) : group_by(dataset, by);
}

/// Where the label of each of `grouping`'s groups lies among `labels`.
std::vector<Index> places_of(const Grouping& grouping, const DatasetVariable& labels) {
  const std::vector<double> wanted = CoordinateValues::read(grouping.coordinate).numbers(), there = CoordinateValues::read(labels).numbers();
  std::vector<Index> out;
  for (const double label : wanted) {
    const auto found = std::find(there.begin(), there.end(), label);
    if (found == there.end()) fail(ErrorKind::kUser, "'{}' has no label {} that a group of '{}' has.", labels.name, label, grouping.dim);
    out.push_back(found - there.begin());
  }
  return out;
}

/// Each position of the grouped axis with what `other` holds for its group.
Dataset with_groups(const Dataset& dataset, const std::string& by, const std::string& function, const Dataset& other) {
  const Grouping grouping = group_by(dataset, by);
  const std::string& name = grouping.coordinate.name;
  const DatasetVariable* labels = other.coordinate(name);
  if (labels == nullptr) fail(ErrorKind::kUser, "The other operand has no coordinate '{}', the name of these groups.", name);
  const std::vector<Index> places = places_of(grouping, *labels);
  std::vector<Index> positions;
  for (const Index key : grouping.keys) {
    if (key < 0) fail(ErrorKind::kUser, "Coordinate '{}' has NaN among its labels, which are in no group.", grouping.dim);
    positions.push_back(places[static_cast<std::size_t>(key)]);
  }
  std::vector<DatasetVariable> variables;
  for (const DatasetVariable& variable : dataset.variables()) {
    DatasetVariable out = variable;
    const int axis = variable.axis_of(grouping.dim);
    if (axis >= 0 && !variable.is_coordinate()) {
      if (!other.contains(variable.name)) continue;
      const DatasetVariable& means = other[variable.name];
      const int from = means.axis_of(name);
      if (from < 0) fail(ErrorKind::kUser, "'{}' of the other operand has no axis '{}'.", variable.name, name);
      std::vector<std::string> dims = means.dims;
      dims[static_cast<std::size_t>(from)] = grouping.dim;
      Array taken = take(means.array, positions, from);
      if (dims != variable.dims) {
        std::vector<int> order;
        for (const std::string& dim : variable.dims) {
          const auto at = std::find(dims.begin(), dims.end(), dim);
          if (at == dims.end() || dims.size() != variable.dims.size()) fail(ErrorKind::kUser, "'{}' of the other operand has other axes.", variable.name);
          order.push_back(static_cast<int>(at - dims.begin()));
        }
        taken = transpose(taken, order);
      }
      out.array = elementwise(function, {variable.array, taken});
      out.encoding = {};
    }
    variables.push_back(std::move(out));
  }
  return dataset.with(std::move(variables));
}

/// `dataset` with another array for `name`, of the same axes.
Dataset with_array(const Dataset& dataset, const std::string& name, const Array& array) {
  std::vector<DatasetVariable> variables = dataset.variables();
  for (DatasetVariable& variable : variables) {
    if (variable.name != name) continue;
    if (array.shape() != variable.array.shape())
      fail(ErrorKind::kUser, "An array of shape {} does not fit into '{}', of shape {}.", to_string(array.shape()), name, to_string(variable.array.shape()));
    variable.array = array;
    variable.encoding = {};
  }
  return dataset.with(std::move(variables));
}

/// The variable of one DataArray beside another's axes, in their order, for arithmetic: its array, spread.
Array beside(const DataArray& array, const std::vector<std::string>& dims) {
  std::vector<int> order;
  for (const std::string& dim : dims)
    if (const int axis = array.variable().axis_of(dim); axis >= 0) order.push_back(axis);
  if (static_cast<int>(order.size()) != array.array().rank()) {
    fail(ErrorKind::kUser, "'{}' has axes ({}), which are not all among ({}).", array.name(), fmt::join(array.dims(), ", "), fmt::join(dims, ", "));
  }
  Array out = transpose(array.array(), order);
  for (std::size_t k = 0; k < dims.size(); ++k)
    if (array.variable().axis_of(dims[k]) < 0) out = expand_dims(out, static_cast<int>(k));
  return out;
}

/// Two DataArrays of one name space: all their axes, the first one's first; labels along shared axes must be the same.
Dataset combined(const std::string& function, const DataArray& a, const DataArray& b) {
  const std::vector<Dataset> both = align({a.dataset(), b.dataset()}, Join::kInner);
  const DataArray left(both[0], a.name()), right(both[1], b.name());
  std::vector<std::string> dims = left.dims();
  for (const std::string& dim : right.dims())
    if (std::find(dims.begin(), dims.end(), dim) == dims.end()) dims.push_back(dim);
  DatasetVariable out = left.variable();
  out.dims = dims;
  out.array = elementwise(function, {beside(left, dims), beside(right, dims)});
  out.encoding = {};
  std::vector<DatasetVariable> variables;
  for (const Dataset* dataset : {&both[0], &both[1]}) {
    for (const DatasetVariable& variable : dataset->variables()) {
      const bool is_there = std::any_of(variables.begin(), variables.end(), [&](const DatasetVariable& v) { return v.name == variable.name; });
      if (variable.is_coordinate() && !is_there) variables.push_back(variable);
    }
  }
  variables.push_back(std::move(out));
  return a.dataset().with(std::move(variables));
}

template <class F>
auto released(F&& work) {
  const nb::gil_scoped_release release;
  return work();
}

}  // namespace

void bind_labels(nb::module_& module) {
  using Strings = std::vector<std::string>;
  module.def("label_expand", [](const std::string& pattern) { return expand_paths(pattern); });
  module.def("label_array", [](const Dataset& d, const std::string& name) { return d[name].array; });
  module.def("label_only", [](const Dataset& d, const std::string& name) { return DataArray(d, name).dataset(); });
  module.def("label_keep", [](const Dataset& d, const Strings& names) {
    std::vector<DatasetVariable> variables;
    for (const std::string& name : names) variables.push_back(d[name]);
    return d.with(std::move(variables));
  });
  module.def("label_sel", [](const Dataset& d, const nb::list& labels, const std::string& method, std::optional<double> tolerance) {
    const Labels wanted = labels_of(labels);
    const SelectionOptions options{.match = match_of(method), .tolerance = tolerance};
    return released([&] { return sel(d, wanted, options); });
  }, nb::arg(), nb::arg(), nb::arg(), nb::arg().none());
  module.def("label_isel", [](const Dataset& d, const nb::list& positions) { return isel(d, positions_of(positions)); });
  module.def("label_reduce", [](const Dataset& d, const std::string& name, const Strings& dims, bool skip_nan, double q) {
    return reduce(d, name, dims, {.skip_nan = skip_nan, .q = q});
  });
  module.def("label_group_reduce", [](const Dataset& d, const std::string& dim, const std::string& by, bool is_resampling, const std::string& name,
                                      bool skip_nan) {
    return released([&] { return reduce(d, grouping_of(d, dim, by, is_resampling), name, {.skip_nan = skip_nan, .parameters = {}}); });
  });
  module.def("label_group_with", [](const Dataset& d, const std::string& by, const std::string& function, const Dataset& other) {
    return released([&] { return with_groups(d, by, function, other); });
  });
  module.def("label_anomaly", [](const Dataset& d, const std::string& by) { return released([&] { return anomaly(d, by); }); });
  module.def("label_rolling", [](const Dataset& d, const std::string& name, const std::string& dim, Index window, bool center,
                                 std::optional<Index> min_periods) {
    return rolling(d, name, dim, window, {.center = center, .min_periods = min_periods});
  }, nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg().none());
  module.def("label_weighted", [](const Dataset& d, const std::string& name, const Dataset& weights, const std::string& weights_name, const Strings& dims, double q) {
    return weighted(d, name, DataArray(weights, weights_name), dims, q);
  });
  module.def("label_cos_latitude", [](const Dataset& d) { return cos_latitude(d).dataset(); });
  module.def("label_interp", [](const Dataset& d, const std::string& dim, const std::vector<double>& labels, bool nearest) {
    return released([&] { return interp(d, dim, labels, nearest ? Interpolation::kNearest : Interpolation::kLinear); });
  });
  module.def("label_with_array", &with_array);
  module.def("label_combined", [](const std::string& function, const Dataset& a, const std::string& a_name, const Dataset& b, const std::string& b_name) {
    return released([&] { return combined(function, DataArray(a, a_name), DataArray(b, b_name)); });
  });
  module.def("label_time_number", [](const Dataset& d, const std::string& dim, const std::string& text) {
    const DatasetVariable* coordinate = d.coordinate(dim);
    if (coordinate == nullptr) fail(ErrorKind::kUser, "axis '{}' has no coordinate.", dim);
    const CoordinateValues values = CoordinateValues::read(*coordinate);
    if (!values.is_time()) fail(ErrorKind::kUser, "coordinate '{}' is no time: '{}' means nothing there.", dim, text);
    return values.units().number(parse_time(text, values.calendar()).begin);
  });
  module.def("label_describe", [](const Dataset& d, const std::string& name) {
    const DatasetVariable& v = d[name];
    return nb::make_tuple(v.dims, v.is_coordinate());
  });
  module.def("label_outputs", [](const Dataset& d, const std::string& path, bool overwrite, const std::string& format, const std::optional<Strings>& unlimited,
                                 const nb::dict& storage) {
    const formats::Packing packing = packing_from(storage);
    const std::optional<formats::AttributeValue> nodata = nodata_from(storage);
    std::vector<Output> outputs;
    if (formats::format_for(path, format).holds_several) {
      outputs = outputs_for(d, path, {.overwrite = overwrite, .format = format, .unlimited_dims = unlimited, .packing = packing, .nodata = nodata});
    } else {
      std::vector<astro::SkyArray> arrays;
      for (const std::string& name : d.data_names()) arrays.push_back(astro::sky_array_from(d, name));
      outputs = astro::outputs_for(arrays, d.attributes(), path, {.format = format, .overwrite = overwrite, .dtype = {}, .history = {}, .packing = packing, .nodata = {.wanted = nodata, .former = {}}});
    }
    nb::list out;
    for (Output& output : outputs) out.append(nb::cast(std::move(output)));
    return out;
  });
}

}  // namespace freestone::python
