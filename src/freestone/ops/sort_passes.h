/// Sorting along an axis longer than memory, in three passes with a store after the first two.
///
/// Leighton's columnsort (1985, "Tight bounds on the complexity of parallel sorting"): the axis is a matrix of s columns and r = q s rows
/// in C order. (1) Each run of r neighbours is sorted. (2) Each column is sorted. With r >= 2 (s - 1)^2 every element is now at most (s -
/// 1)^2 places from where it belongs, so (3) any stretch of rows is right when it is sorted together with s rows on either side, which are
/// then dropped. Which elements meet is fixed by the shape, so the passes are ordinary operations: planned, stored where they do not fit,
/// the same bits for any plan. A task holds some runs, columns or rows: about the two thirds' power of the axis. What is missing to a full
/// matrix is filled up with what sorts last.
#pragma once

#include "freestone/array/array.h"

namespace freestone {

/// By the axis' length alone, so that a plan never decides it: longer axes are not seen whole.
inline constexpr Index kSortedAtOnce = Index{1} << 24;

/// As `sort` (or with `positions` `argsort`), for an axis of any length.
Array sort_in_passes(const Array& a, int axis, bool descending, bool positions);
/// As `topk` and `argtopk`: the first of each run, then the first of these; null when the runs keep too much for that.
Array first_of_runs(const Array& a, Index k, int axis, bool largest, bool positions);

/// Sorts groups of elements jointly, in C order of `axes`; the other axes are points. Inputs and outputs: values, or values and their
/// positions (int64), which decide between equal values.
class SortJointlyOp : public Op {
 public:
  SortJointlyOp(const std::vector<Spec>& inputs, std::vector<int> axes, bool descending);
  std::string_view name() const override { return "sort_jointly"; }
  nlohmann::json params() const override;
  Need need(const Box& box) const override;
  void run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch& scratch, const Cancel& cancel) const override;

 private:
  std::vector<Spec> in_;
  std::vector<int> axes_;
  bool descending_;
};

/// The third pass over (..., r, s): each row from its neighbourhood of s rows on either side.
class SortNearlyOp : public Op {
 public:
  SortNearlyOp(const std::vector<Spec>& inputs, bool descending);
  std::string_view name() const override { return "sort_nearly"; }
  nlohmann::json params() const override;
  Need need(const Box& box) const override;
  void run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch& scratch, const Cancel& cancel) const override;

 private:
  std::vector<Spec> in_;
  bool descending_;
};

}  // namespace freestone
