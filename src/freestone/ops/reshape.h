/// Reshape: the same elements in C order on other axes.
///
/// Both shapes fall into groups of axes with equal products. A group of one axis on both sides stays as it is; where all do, the reshape is
/// a view. Merged and split groups are gathered: a box of the result is an interval of the group's flat positions, whose box in the input
/// is arithmetic.
#pragma once

#include <vector>

#include "freestone/array/array.h"

namespace freestone {

/// `a` in C order with another shape; one extent may be -1: what is left.
/// @throws Error kind user: the elements do not fill the shape
Array reshape(const Array& a, const std::vector<Index>& shape);
/// On one axis, in C order.
Array ravel(const Array& a);
/// The same: arrays here never share memory.
inline Array flatten(const Array& a) { return ravel(a); }

class ReshapeOp : public Op {
 public:
  ReshapeOp(const Spec& input, Shape shape);
  std::string_view name() const override { return "reshape"; }
  nlohmann::json params() const override;
  Box input_box(int i, const Box& domain_box, const Shape& array) const override;
  Need need(const Box& box) const override;
  void run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch& scratch, const Cancel& cancel) const override;

 private:
  Shape in_;
};

/// The smallest box of an array of shape `shape` that holds the C-order positions `first` to `last`.
Box box_of_interval(const Shape& shape, Index first, Index last);

}  // namespace freestone
