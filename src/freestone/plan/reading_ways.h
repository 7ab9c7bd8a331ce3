/// Reading ways: an input of a stage that is looked at in different ways is read once for each of them.
///
/// `x + x.T` needs two boxes of x for one tile, far apart; the box around both would be most of x. Uses that move with the tile alike
/// (same axes, same direction, nearly the same place) share one reading; others get their own.
#pragma once

#include <map>
#include <vector>

#include "freestone/plan/plan.h"

namespace freestone {

/// How the part of one axis that a use needs moves with the tile: it starts near `start + slope * (tile's start - domain's start)`.
struct AxisMotion {
  int anchor_axis = -1;  ///< -1: does not move with the tile
  double slope = 1;
  double start = 0;
};

/// One reading of a value, and who uses it.
struct ReadingWay {
  ValueRef value;
  std::vector<AxisMotion> motion;              ///< one an axis of the value
  std::vector<std::pair<int, int>> consumers;  ///< {number in the stage's body, number of its input}
  std::vector<int> deliveries;                 ///< numbers of the stage's deliveries
};

/// The readings of every value in `inputs` (sources and stores), at least one for each, in order of the values.
std::vector<ReadingWay> reading_ways(const Plan& plan, const Stage& stage, const std::vector<ValueRef>& inputs);

}  // namespace freestone
