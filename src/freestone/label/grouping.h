/// Groups along an axis: months of all years, seasons, or the bins of a coarser time step, each folded to one.
///
/// A Grouping says to which group each position belongs; it is made from the coordinate alone. What is done with it is lazy: `reduce` folds
/// the data in one pass, NaN left out. Names and rules are xarray's.
#pragma once

#include <string>
#include <vector>

#include "freestone/exec/compute.h"
#include "freestone/label/data_array.h"
#include "freestone/ops/group.h"

namespace freestone {

struct Grouping {
  std::string dim;             ///< the axis that is folded
  std::vector<Index> keys;     ///< of each position its group, 0 to groups() - 1, or -1 for none (a NaN label)
  DatasetVariable coordinate;  ///< labels of the axis of groups, and its name
  Index groups() const { return coordinate.array.size(); }
};

/// The groups that occur, in rising order.
/// @param by  "AXIS.PART": year, month, day, hour, dayofyear or season of a time; or "AXIS", by equal labels. The axis of groups is called
///            PART, or AXIS. Seasons are numbers with flag_meanings: 0 DJF, 1 MAM, 2 JJA, 3 SON.
/// @throws Error kind user: no such axis or part, no coordinate, or one that is no time; as CoordinateValues
Grouping group_by(const Dataset& dataset, const std::string& by, const ComputeOptions& compute = {});

/// Bins of equal steps from the first label to the last, those without labels too; each is labelled by its begin.
/// @param step  a number, 1 when left out, and: YS or YS-JUL (years from January, or another month), QS or QS-DEC (quarters), MS (months), D, h,
///              min, s. Bins of months begin with the one that holds the first label, shorter ones at midnight of its day.
/// @throws Error kind user: not a step; an axis without times; more bins than CoordinateValues::kLimit
Grouping resample(const Dataset& dataset, const std::string& dim, const std::string& step, const ComputeOptions& compute = {});

/// Each variable with the axis folded by groups (names as group_reduce: mean, sum, min, max, std, variance, count, first, last ...). A group of
/// no positions is NaN (of count: 0). Coordinates along the axis give way to that of the groups; how numbers were packed is forgotten.
/// @throws Error as group_reduce
Dataset reduce(const Dataset& dataset, const Grouping& grouping, const std::string& name, const GroupOptions& options = {});

/// The mean of each group.
inline Dataset climatology(const Dataset& dataset, const std::string& by = "time.month") { return reduce(dataset, group_by(dataset, by), "mean"); }
/// What each position differs from the mean of its group. Two passes over the data, unless one tile holds the whole axis.
Dataset anomaly(const Dataset& dataset, const std::string& by = "time.month");

}  // namespace freestone
