/// Arrays joined from parts: concat, stack, roll, differences.
///
/// One operation, concat, whose inputs lie side by side along an axis: each is a point map with an offset, cut at its edge, so a tile reads
/// only the parts that it touches. The others are slices of their input, joined.
#pragma once

#include <optional>
#include <vector>

#include "freestone/array/array.h"

namespace freestone {

/// The arrays one after another along `axis`; dtype by promotion.
/// @throws Error kind user: no arrays, ranks or other axes that differ, axis out of range
Array concat(const std::vector<Array>& arrays, int axis = 0);
/// The arrays side by side along a new axis, number `axis` of the result.
Array stack(const std::vector<Array>& arrays, int axis = 0);
/// The positions of `axis`, each an array without it.
std::vector<Array> unstack(const Array& a, int axis = 0);

/// Position i of an axis goes to i + shift, round the end. One shift for every axis of `axes`, or one for all of them.
/// @throws Error kind user: numbers of shifts and axes that do not fit, axis out of range
Array roll(const Array& a, const std::vector<Index>& shifts, const std::vector<int>& axes);
/// Rolled in C order, as if flat.
Array roll(const Array& a, Index shift);

/// The `n`-th difference along `axis`: a[1:] - a[:-1], n times; of bools: where neighbours differ. NumPy's rule.
/// @param prepend, append  put before and after `a` first; arrays that broadcast on the other axes get length 1 on `axis`
Array diff(const Array& a, int n = 1, int axis = -1, const std::optional<Array>& prepend = std::nullopt,
           const std::optional<Array>& append = std::nullopt);

class ConcatOp : public Op {
 public:
  /// @throws Error kind user: as `concat`; kind internal: dtypes that differ
  ConcatOp(const std::vector<Spec>& inputs, int axis);
  std::string_view name() const override { return "concat"; }
  nlohmann::json params() const override;
  Need need(const Box& box) const override;
  void run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch& scratch, const Cancel& cancel) const override;
  ChunkGrid chunks(int output, std::span<const ChunkGrid> inputs) const override;

 private:
  int axis_;
  std::vector<Shape> shapes_;
};

}  // namespace freestone
