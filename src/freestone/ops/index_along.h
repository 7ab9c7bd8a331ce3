/// TakeAlongOp: positions along an axis that are computed, line by line.
#pragma once

#include "freestone/array/array.h"

namespace freestone {

/// Inputs: the array, whole along `axis`, and integers of the output's shape (other axes of both may have length 1).
class TakeAlongOp : public Op {
 public:
  /// @throws Error kind user: ranks or shapes that do not fit, indices that are not integers
  TakeAlongOp(const Spec& array, const Spec& indices, int axis);
  std::string_view name() const override { return "take_along_axis"; }
  nlohmann::json params() const override;
  Need need(const Box& box) const override;
  void run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch& scratch, const Cancel& cancel) const override;

 private:
  int axis_;
  Index extent_;
};

}  // namespace freestone
