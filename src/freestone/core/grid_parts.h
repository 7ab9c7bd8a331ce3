/// GridParts: the parts into which a regular grid cuts a box.
#pragma once

#include "freestone/core/box.h"

namespace freestone {

/// Arithmetic, not a list: a box of a million chunks costs nothing. The grid starts at the array's first element; parts are numbered in C
/// order of their grid positions, and those at the rim of the box are cut.
class GridParts {
 public:
  /// @param step of the grid on each axis, at least 1
  GridParts(const Box& box, const Shape& step);

  Index count() const { return count_; }
  /// Part `number`, as a box of the array.
  Box operator[](Index number) const;
  /// Its place in the array's grid.
  Dims position(Index number) const;
  /// The number of the part that holds the element at `at`, which lies in the box.
  Index number_of(const Dims& at) const;

 private:
  Box box_;
  Shape step_;
  Dims first_, counts_;
  Index count_ = 1;
};

}  // namespace freestone
