/// Order statistics of all elements of an array larger than memory: the exact element of a rank, digit by digit.
///
/// Floating numbers have an order-preserving integer key. Each pass counts 16 bits of the keys that agree with the digits found so far,
/// so float32 takes two passes over the data and float64 four, with a megabyte of counts, whatever the size. Counts are integers: the
/// result is the same for every tiling.
#pragma once

#include "freestone/array/array.h"

namespace freestone {

/// Median (mean of the two middle values) of all elements, rank 0. @see median in select.h
Array streaming_median(const Array& a, bool skip_nan);
/// NumPy's "linear" percentile of all elements, rank 0. @see percentile in select.h
Array streaming_percentile(const Array& a, double q, bool skip_nan);

/// One pass. Inputs: the data (float32 or float64), and after the first pass the six numbers that the pass before gave. Outputs: six
/// numbers (uint64), or after the last pass the value.
class RankOp : public Op, private Fold {
 public:
  RankOp(const Spec& input, int pass, bool is_median, double q, bool skip_nan, Shape leaf);
  std::string_view name() const override { return "rank"; }
  nlohmann::json params() const override;
  Need need(const Box& box) const override { return {0, static_cast<double>(box.count()) * 1.0}; }
  const Fold* fold() const override { return this; }
  static int passes(DType dtype) { return static_cast<int>(size_of(dtype)) / 2; }

 private:
  const std::vector<int>& axes() const override { return axes_; }
  const Shape& leaf() const override { return leaf_; }
  Index state_words() const override;
  void init(std::byte* state, Index outputs) const override;
  void scan(const Box& leaf_box, std::span<const Tile> in, std::byte* state, Index outputs) const override;
  void merge(std::byte* into, const std::byte* from, Index outputs) const override;
  void finish(const std::byte* state, Index outputs, std::span<std::byte* const> out) const override;

  Spec in_;
  int pass_;
  bool is_median_;
  double q_;
  bool skip_nan_;
  std::vector<int> axes_;
  Shape leaf_;
};

}  // namespace freestone
