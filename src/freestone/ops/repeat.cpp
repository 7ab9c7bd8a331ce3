#include "freestone/ops/repeat.h"

#include "freestone/ops/index.h"
#include "freestone/ops/reshape.h"
#include "freestone/ops/shape.h"
#include "freestone/ops/shape_axes.h"

namespace freestone {

Array repeat(const Array& a, Index times, int axis) {
  axis = normal_axis(axis, a.rank());
  if (times < 0) fail(ErrorKind::kUser, "repeat: {} times.", times);
  // A new axis without memory, merged: position i of the result is position i / times.
  Shape shape = a.shape();
  shape.insert(axis + 1, times);
  const Array spread = broadcast_to(expand_dims(a, axis + 1), shape);
  std::vector<Index> merged = a.shape().to_vector();
  merged[static_cast<std::size_t>(axis)] *= times;
  return reshape(spread, merged);
}

Array repeat(const Array& a, const std::vector<Index>& counts, int axis) {
  axis = normal_axis(axis, a.rank());
  if (counts.size() == 1) return repeat(a, counts[0], axis);
  if (static_cast<Index>(counts.size()) != a.shape()[axis])
    fail(ErrorKind::kUser, "repeat: {} counts for axis {}, which has {} elements.", counts.size(), axis, a.shape()[axis]);
  std::vector<Index> positions;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] < 0) fail(ErrorKind::kUser, "repeat: a count of {}.", counts[i]);
    positions.insert(positions.end(), static_cast<std::size_t>(counts[i]), static_cast<Index>(i));
  }
  const auto n = static_cast<Index>(positions.size());
  return take(a, IndexArray(std::move(positions), {n}), axis);
}

Array tile(const Array& a, std::vector<Index> reps) {
  Array out = atleast_nd(a, static_cast<int>(reps.size()));
  while (static_cast<int>(reps.size()) < out.rank()) reps.insert(reps.begin(), 1);
  Shape spread;
  std::vector<Index> merged;
  std::vector<Index> split;
  for (int k = 0; k < out.rank(); ++k) {
    const Index n = out.shape()[k], times = reps[static_cast<std::size_t>(k)];
    if (times < 0) fail(ErrorKind::kUser, "tile: {} times.", times);
    if (times != 1) spread.push_back(times), split.push_back(1);
    spread.push_back(n), split.push_back(n);
    merged.push_back(n * times);
  }
  return reshape(broadcast_to(reshape(out, split), spread), merged);
}

}  // namespace freestone
