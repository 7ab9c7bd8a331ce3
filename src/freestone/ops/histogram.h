/// Histograms over any axes: one pass, and one before it where the range is not given. Nothing is computed to describe one.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "freestone/array/array.h"

namespace freestone {

struct HistogramOptions {
  std::optional<std::pair<double, double>> range;  ///< default: from the least to the greatest element
  Array weights;                                   ///< of the shape of the data: summed instead of counted
  bool density = false;                            ///< divided by the sum and the bins' widths
  std::vector<int> axes;                           ///< counted over; none: over all
};

struct Histogram {
  Array counts;              ///< int64; sums of weights in their floating dtype, else float64; densities float64
  std::vector<Array> edges;  ///< one list a coordinate, one longer than there are bins
};

/// numpy.histogram: `bins` even bins, edges computed as there (in the dtype of floating data, else float64), the last bin with its upper
/// edge. NaN is counted nowhere, but no range can be found over NaN.
/// @returns counts: the axes that are left, then the bins
/// @throws Error kind user: bins < 1, a range that falls or is not finite, weights of another shape, complex dtype; kind data when it runs:
/// a
///               range that is not finite
Histogram histogram(const Array& a, Index bins = 10, HistogramOptions options = {});
/// With given edges (rank 1, rising, two or more).
Histogram histogram(const Array& a, const Array& edges, HistogramOptions options = {});
Histogram histogram(const Array& a, const std::vector<double>& edges, HistogramOptions options = {});

/// numpy.histogramdd: coordinates of one shape, `bins[i]` even bins each; over all axes. `ranges`: one each, or none.
Histogram histogramdd(const std::vector<Array>& coordinates, const std::vector<Index>& bins,
                      const std::vector<std::pair<double, double>>& ranges = {}, HistogramOptions options = {});
inline Histogram histogram2d(const Array& x, const Array& y, Index x_bins = 10, Index y_bins = 10, HistogramOptions options = {}) {
  return histogramdd({x, y}, {x_bins, y_bins}, {}, std::move(options));
}

/// How often each of 0 ... length - 1 occurs among the integers of `a` (any shape), or the sum of its `weights`.
/// @see bincount in exec/counted.h, which finds the length
/// @throws Error kind user: not integers, length < 0; kind data when it runs: a value out of range
Array bincount(const Array& a, Index length, const Array& weights = {});

/// The fold of both. Inputs: coordinates, edges (float64, one list a coordinate; none for bincount), and weights.
class HistogramOp : public Op, private Fold {
 public:
  struct Parts {
    Shape bins;             ///< one a coordinate
    std::vector<int> axes;  ///< reduced
    Shape leaf;
    bool own_bins = false;  ///< values are their own bins
    bool even = false;
    bool weighted = false;
  };
  HistogramOp(const std::vector<Spec>& inputs, Parts parts);
  std::string_view name() const override { return "histogram"; }
  nlohmann::json params() const override;
  Need need(const Box& box) const override;
  const Fold* fold() const override { return this; }

 private:
  const std::vector<int>& axes() const override { return parts_.axes; }
  const Shape& leaf() const override { return parts_.leaf; }
  Index state_words() const override { return bins_ * (parts_.weighted ? 2 : 1); }
  void init(std::byte* state, Index outputs) const override;
  void scan(const Box& leaf_box, std::span<const Tile> in, std::byte* state, Index outputs) const override;
  void merge(std::byte* into, const std::byte* from, Index outputs) const override;
  void finish(const std::byte* state, Index outputs, std::span<std::byte* const> out) const override;

  Parts parts_;
  Index bins_;
};

/// Even edges as numpy.histogram_bin_edges. Inputs: the least and the greatest element (rank 0), or none with a given range.
class EdgesOp : public Op {
 public:
  EdgesOp(Index bins, DType dtype, std::optional<std::pair<double, double>> range);
  std::string_view name() const override { return "edges"; }
  nlohmann::json params() const override;
  Need need(const Box& box) const override;
  void run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch& scratch, const Cancel& cancel) const override;

 private:
  Index bins_;
  std::optional<std::pair<double, double>> range_;
};

/// A short list of numbers as an array (float64).
class ListOp : public Op {
 public:
  explicit ListOp(std::vector<double> values);
  std::string_view name() const override { return "list"; }
  nlohmann::json params() const override;
  Need need(const Box&) const override { return {}; }
  void run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch& scratch, const Cancel& cancel) const override;

 private:
  std::vector<double> values_;
};

}  // namespace freestone
