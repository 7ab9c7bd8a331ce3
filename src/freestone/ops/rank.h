/// Order statistics over axes too long for a task: the exact elements of a rank, digit by digit.
///
/// Every dtype has an order-preserving integer key (kernels/sort_keys.h). Each pass counts 16 bits of the keys that agree with the
/// digits found so far, so float32 takes two passes over the data, float64 four and complex128 eight, with a megabyte of counts for each result, whatever the
/// size. Counts are integers: the result is the same for every tiling, and the same as that of ops/quantile.h.
#pragma once

#include <string>

#include "freestone/array/array.h"

namespace freestone {

/// Whether `axes` hold more than a task should see at once: by shape alone, so that a plan never decides it.
bool is_ranked_by_digits(const Array& a, const std::vector<int>& axes);

/// A quantile, `q` in [0, 1], over `axes` (ascending, not negative). Dtypes as `quantile` has them.
/// @param method  one of kernels::quantile_methods, or "median": the mean of the two middle elements (complex numbers have
///                that only)
Array rank_by_digits(const Array& a, std::string method, double q, const std::vector<int>& axes, bool skip_nan);

/// One pass. Inputs: the data, and after the first pass the eight numbers that the pass before gave for each result. Outputs: eight numbers
/// (uint64), or after the last pass the values.
class RankOp : public Op, private Fold {
 public:
  struct Rule {
    int pass = 0;
    std::string method;
    double q = 0.5;
    bool skip_nan = false;
    std::vector<int> axes;
    Shape leaf;
  };
  RankOp(const Spec& input, Rule rule);
  std::string_view name() const override { return "rank"; }
  int version() const override { return 3; }
  nlohmann::json params() const override;
  Need need(const Box& box) const override { return {0, static_cast<double>(box.count()) * 1.0}; }
  const Fold* fold() const override { return this; }
  static int passes(DType dtype) { return static_cast<int>(size_of(dtype) + 1) / 2; }
  static constexpr int kNumbers = 8;

 private:
  const std::vector<int>& axes() const override { return rule_.axes; }
  const Shape& leaf() const override { return rule_.leaf; }
  Index state_words() const override;
  void init(std::byte* state, Index outputs) const override;
  void scan(const Box& leaf_box, std::span<const Tile> in, std::byte* state, Index outputs) const override;
  void merge(std::byte* into, const std::byte* from, Index outputs) const override;
  void finish(const std::byte* state, Index outputs, std::span<std::byte* const> out) const override;

  Spec in_;
  Rule rule_;
};

}  // namespace freestone
