/// GatherOp: elements picked by index arrays in memory, on one axis or on several together.
#pragma once

#include <vector>

#include "freestone/array/array.h"
#include "freestone/ops/index_positions.h"

namespace freestone {

/// Axes `axes` of the input (ascending) are replaced by axes of shape `points`, put before axis number `place` of the others: point p
/// (C order) is position positions[i][p] on axis axes[i].
class GatherOp : public Op {
 public:
  /// @throws Error kind data: a position outside its axis, or arrays that do not fit (from a damaged plan)
  GatherOp(const Spec& input, std::vector<int> axes, std::vector<PositionsRef> positions, Shape points, int place);
  std::string_view name() const override { return "gather"; }
  nlohmann::json params() const override;
  std::string key() const override;
  Box input_box(int i, const Box& domain_box, const Shape& array) const override;
  Need need(const Box& box) const override;
  void run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch& scratch, const Cancel& cancel) const override;

 private:
  nlohmann::json frame() const;
  std::vector<int> axes_;
  std::vector<PositionsRef> positions_;
  Shape points_;
  int place_;
};

/// The operation on `a`, where it pays in two steps: in the order of the file, then put into the order that was asked for.
Array gather(const Array& a, std::vector<int> axes, std::vector<PositionsRef> positions, const Shape& points, int place);

}  // namespace freestone
