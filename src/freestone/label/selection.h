/// Parts of a dataset, by label (sel) or by position (isel), along any of its axes.
///
/// Every variable that has the axis is cut, its coordinate too; the others stay. A single label or position takes the axis away, and its
/// coordinate stays as a scalar. Names and rules are xarray's.
#pragma once

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "freestone/label/coordinate.h"
#include "freestone/label/data_array.h"
#include "freestone/ops/shape.h"

namespace freestone {

/// One position, a slice, or a list of positions; negative ones count from the end.
using PositionSelector = std::variant<Index, Slice, std::vector<Index>>;
/// Axis and what is taken of it.
using Positions = std::vector<std::pair<std::string, PositionSelector>>;

/// @throws Error kind user: no such axis, with the nearest name; an axis named twice; a position outside of it
Dataset isel(const Dataset& dataset, const Positions& positions);

/// One label, a range, or a list of labels.
using LabelSelector = std::variant<Label, LabelRange, std::vector<Label>>;
using Labels = std::vector<std::pair<std::string, LabelSelector>>;

struct SelectionOptions {
  Match match = Match::kExact;      ///< of single labels and lists, not of ranges
  std::optional<double> tolerance;  ///< largest distance to a label, in the coordinate's units (of times: seconds)
  ComputeOptions compute = {};      ///< of reading the coordinates
};

/// Reads the coordinates that are searched. An axis without a coordinate is selected by position.
/// @throws Error kind user: as isel; labels that are not there; as CoordinateValues
Dataset sel(const Dataset& dataset, const Labels& labels, const SelectionOptions& options = {});

inline DataArray isel(const DataArray& array, const Positions& positions) {
  return array.apply([&](const Dataset& d) { return isel(d, positions); });
}
inline DataArray sel(const DataArray& array, const Labels& labels, const SelectionOptions& options = {}) {
  return array.apply([&](const Dataset& d) { return sel(d, labels, options); });
}

}  // namespace freestone
