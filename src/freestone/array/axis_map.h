/// Axis maps: where an operation's output comes from, axis by axis, as algebra.
///
/// An operation has an iteration domain. For each input and output it says, for every axis of that array, which part
/// belongs to an interval [a, b) of a domain axis. Maps compose, so what a whole stage touches is arithmetic, and the
/// planner never has to ask a running operation.
#pragma once

#include <vector>

#include "freestone/core/box.h"

namespace freestone {

enum class AxisKind {
  kPoint,  ///< [a, b) -> [offset + a*mul - before, offset + (b-1)*mul + 1 + after), cut at the array's edge
  kWhole,  ///< always the whole axis
  kFixed,  ///< always the one position `offset` (a broadcast axis of length 1, an index)
  kGather  ///< positions on no line (an index array, a reshape, a warp): `Op::input_box` tells the box around them
};

struct AxisMap {
  AxisKind kind = AxisKind::kWhole;
  int domain_axis = -1;
  Index mul = 1;  ///< stride; negative for a flip
  Index offset = 0;
  Index before = 0, after = 0;  ///< halo, in elements of the array

  static AxisMap point(int axis, Index offset = 0, Index mul = 1) { return {AxisKind::kPoint, axis, mul, offset, 0, 0}; }
  static AxisMap halo(int axis, Index before, Index after) { return {AxisKind::kPoint, axis, 1, 0, before, after}; }
  /// Domain position i uses elements [i*factor, (i+1)*factor).
  static AxisMap group(int axis, Index factor) { return {AxisKind::kPoint, axis, factor, 0, 0, factor - 1}; }
  static AxisMap whole() { return {}; }
  static AxisMap fixed(Index position = 0) { return {AxisKind::kFixed, -1, 1, position, 0, 0}; }
  static AxisMap gather() { return {AxisKind::kGather, -1, 1, 0, 0, 0}; }
};

/// One map for each axis of the array.
using Access = std::vector<AxisMap>;

/// Every axis a point on the domain axis of the same number.
Access identity_access(int rank);

/// The part of an array of shape `array` that belongs to `domain`, a box of the iteration domain; gathered axes are taken whole.
Box map_box(const Access& access, const Box& domain, const Shape& array);

/// The smallest box of the iteration domain whose image under `access` (of outputs: points without halo, or whole)
/// covers `part` of the array; domain axes that the access does not mention are taken whole.
Box inverse_box(const Access& access, const Box& part, const Shape& domain);

}  // namespace freestone
