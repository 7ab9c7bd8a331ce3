/// PutOp: an array with a region replaced.
#pragma once

#include "freestone/array/array.h"

namespace freestone {

/// Inputs: the array, and the value, whose axis k lies at positions start[k] + i * step[k], step >= 1, of the array.
class PutOp : public Op {
 public:
  /// @throws Error kind data: the region does not lie inside the array, or dtypes differ
  PutOp(const Spec& array, const Spec& value, Dims start, Dims step);
  std::string_view name() const override { return "put"; }
  nlohmann::json params() const override;
  Box input_box(int i, const Box& domain_box, const Shape& array) const override;
  Need need(const Box& box) const override;
  void run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch& scratch, const Cancel& cancel) const override;
  bool may_overwrite(int input) const override { return input == 0; }

 private:
  Shape value_;
  Dims start_, step_;
};

}  // namespace freestone
