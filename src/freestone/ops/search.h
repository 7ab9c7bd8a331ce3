/// Places in sorted lists: searchsorted, digitize, isin, interp. The list is seen whole by every tile; the values stream.
#pragma once

#include <optional>

#include "freestone/array/array.h"
#include "freestone/kernels/search.h"

namespace freestone {

/// Where `values` would be inserted into `sorted` (rank 1, rising, NaN last) to keep it in order: before equal points, or with `right`
/// after.
/// @returns int64, the shape of `values`
/// Complex numbers are in the order of `sort`.
/// @throws Error kind user: `sorted` not of rank 1
Array searchsorted(const Array& sorted, const Array& values, bool right = false);

/// The bin of each value: numpy.digitize. Rising `bins`: i with bins[i-1] <= x < bins[i]; with `right`, bins[i-1] < x <= bins[i].
/// `falling`: bins go down, and the inequalities turn round.
/// @returns int64, the shape of `values`
/// @throws Error as searchsorted
Array digitize(const Array& values, const Array& bins, bool right = false, bool falling = false);

/// Whether each value is one of `list` (any shape: it is flattened into one axis by the caller; rank 1 here). NaN is in no list.
/// @returns bool, the shape of `values`
/// @throws Error as searchsorted
Array isin(const Array& values, const Array& list, bool invert = false);

/// Linear interpolation as numpy.interp: `x` rising, rank 1, as long as `y`. Outside: the first and last of `y`, unless `left` and `right`
/// say otherwise.
/// @returns float64, the shape of `values`
/// @throws Error kind user: lists of other ranks or lengths, empty lists, complex dtypes
Array interp(const Array& values, const Array& x, const Array& y, std::optional<double> left = {}, std::optional<double> right = {});

/// Inputs: points and values, of one dtype.
class SearchOp : public Op {
 public:
  SearchOp(const Spec& points, const Spec& values, kernels::SearchKind kind);
  std::string_view name() const override { return "search"; }
  nlohmann::json params() const override;
  Need need(const Box& box) const override;
  void run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch& scratch, const Cancel& cancel) const override;

 private:
  Spec points_;
  kernels::SearchKind kind_;
};

/// Inputs: x, y and values, all float64.
class InterpOp : public Op {
 public:
  InterpOp(const Spec& x, const Spec& values, std::optional<double> left, std::optional<double> right);
  std::string_view name() const override { return "interp"; }
  nlohmann::json params() const override;
  Need need(const Box& box) const override;
  void run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch& scratch, const Cancel& cancel) const override;

 private:
  Spec x_;
  std::optional<double> left_, right_;
};

}  // namespace freestone
