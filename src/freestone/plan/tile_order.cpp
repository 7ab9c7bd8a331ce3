#include <algorithm>
#include <cmath>
#include <utility>

#include "freestone/plan/plan.h"

namespace freestone {
namespace {

/// The least n with n * n >= area.
Index side_of(Index area) {
  auto n = static_cast<Index>(std::sqrt(static_cast<double>(area)));
  while (n * n < area) ++n;
  while (n > 0 && (n - 1) * (n - 1) >= area) --n;
  return n;
}

// Rows are walked to and fro: what a full cache has lost at one end of a row is wanted last in the next.

/// Cell `number` of n x n in mirrored pairs: (0,0), (0,1), (1,0), (0,2), (2,0), ...; row by row of the upper half.
std::pair<Index, Index> mirrored_cell(Index number, Index n) {
  // From row i on a square of n - i cells each way is left.
  const Index left = side_of(n * n - number), i = n - left, in_row = number - (n * n - left * left);
  if (in_row == 0) return {i, i};
  const Index pair = (in_row - 1) / 2, k = i % 2 == 0 ? i + 1 + pair : n - 1 - pair;
  return (in_row - 1) % 2 == 0 ? std::pair{i, k} : std::pair{k, i};
}

/// The same in squares of `square` cells: those on the diagonal as above, each of the others together with its mirror image.
std::pair<Index, Index> mirrored_cell(Index number, Index n, Index square) {
  const Index row = (n - side_of(n * n - number)) / square, first = row * square, left = n - first, height = std::min(square, left);
  number -= n * n - left * left;
  if (number < height * height) {
    const auto [i, k] = mirrored_cell(number, height);
    return {first + i, first + k};
  }
  number -= height * height;
  const Index beside = number / (2 * height * square), start = first + square + beside * square, width = std::min(square, n - start);
  number -= beside * 2 * height * square;
  const Index down = number / 2 / width, along = number / 2 % width;
  const Index i = first + down, k = start + (down % 2 == 0 ? along : width - 1 - along);
  return number % 2 == 0 ? std::pair{i, k} : std::pair{k, i};
}

}  // namespace

Index tiles_along(const Stage& stage, int axis) {
  return std::max<Index>(1, (stage.domain.shape[axis] + stage.tile[axis] - 1) / stage.tile[axis]);
}

Index tile_count(const Stage& stage) {
  Index count = 1;
  for (int k = 0; k < stage.domain.rank(); ++k) count *= (stage.domain.shape[k] + stage.tile[k] - 1) / stage.tile[k];
  return count;
}

Box middle_tile(const Stage& stage) {
  Box box = stage.domain;
  for (int k = 0; k < box.rank(); ++k) {
    const Index at = (tiles_along(stage, k) - 1) / 2 * stage.tile[k];
    box.start[k] += at;
    box.shape[k] = std::min(stage.tile[k], stage.domain.shape[k] - at);
  }
  return box;
}

Box tile_box(const Stage& stage, Index index) {
  Box box = stage.domain;
  const auto put = [&](int k, Index number) {
    const Index at = number * stage.tile[k];
    box.start[k] = stage.domain.start[k] + at;
    box.shape[k] = std::min(stage.tile[k], stage.domain.shape[k] - at);
  };
  std::size_t axes = stage.order.size();
  if (stage.mirror.any()) {
    axes -= 2;
    const Index n = tiles_along(stage, stage.mirror.first), cells = n * n;
    const Index along = axes > 0 ? tiles_along(stage, stage.order[axes - 1]) : 1, in_all = cells * along;
    const Index number = index % in_all, first = number / (cells * stage.mirror.run) * stage.mirror.run;
    const Index run = std::min(stage.mirror.run, along - first), in_run = number - first * cells;
    const auto [i, k] = mirrored_cell(in_run / run, n, stage.mirror.square);
    put(stage.mirror.first, i);
    put(stage.mirror.second, k);
    if (axes > 0) put(stage.order[--axes], first + in_run % run);
    index /= in_all;
  }
  while (axes-- > 0) {
    const int k = stage.order[axes];
    const Index n = tiles_along(stage, k);
    put(k, index % n);
    index /= n;
  }
  return box;
}

}  // namespace freestone
