#include "freestone/label/selection.h"

#include <algorithm>
#include <cmath>

#include "freestone/ops/index.h"

namespace freestone {
namespace {

/// `variable` cut along `dim`.
DatasetVariable taken(const DatasetVariable& variable, const std::string& dim, const PositionSelector& selector) {
  const int axis = variable.axis_of(dim);
  if (axis < 0) return variable;
  DatasetVariable out = variable;
  std::vector<Slice> slices(static_cast<std::size_t>(axis) + 1);
  if (const auto* position = std::get_if<Index>(&selector)) {
    slices.back() = Slice::at(*position);
    out.array = slice(variable.array, slices);
    out.dims.erase(out.dims.begin() + axis);
    out.is_auxiliary = variable.is_coordinate();
  } else if (const auto* part = std::get_if<Slice>(&selector)) {
    slices.back() = *part;
    out.array = slice(variable.array, slices);
  } else {
    out.array = take(variable.array, std::get<std::vector<Index>>(selector), axis);
  }
  return out;
}

Index position_of(const Label& label, const std::string& dim) {
  const double number = label.text() != nullptr ? 0.5 : label.number();
  if (!(std::abs(number) < 0x1p53) || number != static_cast<double>(static_cast<Index>(number))) {
    fail(ErrorKind::kUser, "axis '{}' has no coordinate: it is selected by position, and {} is none.", dim, text_of(label));
  }
  return static_cast<Index>(number);
}

PositionSelector positions_without_coordinate(const std::string& dim, const LabelSelector& selector) {
  if (const auto* label = std::get_if<Label>(&selector)) return position_of(*label, dim);
  if (const auto* range = std::get_if<LabelRange>(&selector)) {
    Slice part{.step = range->step};
    if (range->first) part.start = position_of(*range->first, dim);
    if (range->last) part.stop = position_of(*range->last, dim);
    return part;
  }
  std::vector<Index> positions;
  for (const Label& label : std::get<std::vector<Label>>(selector)) positions.push_back(position_of(label, dim));
  return positions;
}

PositionSelector positions_of(const CoordinateValues& values, const LabelSelector& selector, const SelectionOptions& options) {
  if (const auto* range = std::get_if<LabelRange>(&selector)) {
    if (range->step < 1) {
      fail(ErrorKind::kUser, "coordinate '{}': the step of a range of labels is {}, and must be at least 1.", values.name(), range->step);
    }
    const CoordinateValues::Part part = values.find(*range);
    return Slice{part.begin, part.end, range->step};
  }
  if (const auto* label = std::get_if<Label>(&selector)) {
    CoordinateValues::Found found = values.find(*label, options.match, options.tolerance);
    if (!found.is_range) return found.positions[0];
    const Index first = found.positions.front(), last = found.positions.back();
    if (last - first + 1 == static_cast<Index>(found.positions.size())) return Slice{first, last + 1};
    return std::move(found.positions);
  }
  std::vector<Index> positions;
  for (const Label& label : std::get<std::vector<Label>>(selector)) {
    const CoordinateValues::Found found = values.find(label, options.match, options.tolerance);
    positions.insert(positions.end(), found.positions.begin(), found.positions.end());
  }
  return positions;
}

}  // namespace

Dataset isel(const Dataset& dataset, const Positions& positions) {
  std::vector<DatasetVariable> variables = dataset.variables();
  for (std::size_t i = 0; i < positions.size(); ++i) {
    const auto& [dim, selector] = positions[i];
    const Index length = dataset.length(dim);
    for (std::size_t j = 0; j < i; ++j) {
      if (positions[j].first == dim) fail(ErrorKind::kUser, "axis '{}' is selected twice.", dim);
    }
    const auto check = [&](Index position) {
      if (position < -length || position >= length) {
        fail(ErrorKind::kUser, "position {} is outside of axis '{}', which has {} elements.", position, dim, length);
      }
    };
    if (const auto* one = std::get_if<Index>(&selector)) check(*one);
    if (const auto* list = std::get_if<std::vector<Index>>(&selector)) std::for_each(list->begin(), list->end(), check);
    for (DatasetVariable& variable : variables) variable = taken(variable, dim, selector);
  }
  return dataset.with(std::move(variables));
}

Dataset sel(const Dataset& dataset, const Labels& labels, const SelectionOptions& options) {
  Positions positions;
  for (const auto& [dim, selector] : labels) {
    dataset.length(dim);
    const DatasetVariable* coordinate = dataset.coordinate(dim);
    positions.emplace_back(dim, coordinate == nullptr ? positions_without_coordinate(dim, selector)
                                                      : positions_of(CoordinateValues::read(*coordinate, options.compute), selector, options));
  }
  return isel(dataset, positions);
}

}  // namespace freestone
