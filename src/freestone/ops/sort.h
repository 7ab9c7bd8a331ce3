/// Sorting along an axis. NaN comes last, upwards and downwards; equal elements keep their order, so that the bits are defined. Complex
/// numbers are in NumPy's order: by real part, then by imaginary part. An axis longer than 16,777,216 elements is sorted in passes
/// (ops/sort_passes.h), in any memory; so is what modes are counted in (ops/longest_run.h).
#pragma once

#include <utility>

#include "freestone/array/array.h"
#include "freestone/kernels/sort.h"

namespace freestone {

/// `a` sorted along `axis`. -0 and 0 are equal and come out as 0, NaN as the usual NaN.
/// @throws Error kind user: axis out of range
Array sort(const Array& a, int axis = -1, bool descending = false);

/// The positions along `axis` (int64) that sort `a`; stable.
/// @throws Error as sort
Array argsort(const Array& a, int axis = -1, bool descending = false);

/// The `k` largest (or smallest) elements along `axis`, best first. NaN only where fewer than k numbers are left.
/// @returns the shape of `a` with `axis` of length k
/// @throws Error kind user: k < 0 or more than the axis has; as sort
Array topk(const Array& a, Index k, int axis = -1, bool largest = true);
/// Their positions along `axis` (int64); of equal elements the first.
Array argtopk(const Array& a, Index k, int axis = -1, bool largest = true);

/// The most frequent value along `axis`, the smallest of several (scipy.stats.mode), and how often it occurs (int64).
/// @returns both in the shape of `a` without `axis`
/// @throws Error kind user: not integers or bool, an axis without elements, axis out of range
std::pair<Array, Array> mode(const Array& a, int axis = -1);

class SortOp : public Op {
 public:
  SortOp(const Spec& input, int axis, kernels::SortRule rule);
  std::string_view name() const override { return "sort"; }
  nlohmann::json params() const override;
  Need need(const Box& box) const override;
  void run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch& scratch, const Cancel& cancel) const override;

 private:
  Spec in_;
  int axis_;
  kernels::SortRule rule_;
};

/// Outputs: values and counts.
class ModeOp : public Op {
 public:
  ModeOp(const Spec& input, int axis);
  std::string_view name() const override { return "mode"; }
  nlohmann::json params() const override;
  Need need(const Box& box) const override;
  void run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch& scratch, const Cancel& cancel) const override;

 private:
  Spec in_;
  int axis_;
};

}  // namespace freestone
