/// Counting into bins.
#pragma once

#include <span>
#include <vector>

#include "freestone/core/view.h"
#include "freestone/kernels/fold.h"

namespace freestone::kernels {

/// The edges of the bins of one coordinate: bin i holds edges[i] <= x < edges[i + 1], the last one its upper edge too.
class Bins {
 public:
  /// At least two edges, rising; `even` only promises that they are about evenly spaced.
  Bins(std::vector<double> edges, bool even);
  /// The bin of x, or -1.
  Index find(double x) const;
  Index count() const { return static_cast<Index>(edges_.size()) - 1; }

 private:
  std::vector<double> edges_;
  bool even_;
  double per_unit_ = 0;
};

/// Counts the elements of views of one shape (one a coordinate) into state: word bin * n + k counts (int64) for kept element k; with
/// `weights` it sums them (float64). `kept_strides`: how far, in words, the state moves along each axis (0 where it is reduced). Bins of
/// several coordinates are in C order.
void count_into_bins(std::span<const View> coordinates, std::span<const Bins> bins, const View* weights, const Dims& kept_strides, Index n,
                     Word* state);

/// The same where integers are their own bins.
/// @throws Error kind data: one is negative, or `bins` or more
void count_values(const View& values, Index bins, const View* weights, const Dims& kept_strides, Index n, Word* state);

}  // namespace freestone::kernels
