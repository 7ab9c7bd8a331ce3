#include "freestone/ops/index_gather.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>

#include "freestone/kernels/gather.h"

namespace freestone {
namespace {

constexpr Index kPointsAtOnce = 4096;
constexpr Index kFewRows = 64;  // rows of points whose hulls are joined one by one

bool is_one_of(int k, const std::vector<int>& axes) { return std::find(axes.begin(), axes.end(), k) != axes.end(); }

Shape gathered_shape(const Shape& in, const std::vector<int>& axes, const Shape& points, int place) {
  std::vector<Index> out;
  for (int k = 0; k < in.rank(); ++k)
    if (!is_one_of(k, axes)) out.push_back(in[k]);
  if (place < 0 || place > static_cast<int>(out.size())) fail(ErrorKind::kData, "Gathered axes at place {} of {}.", place, out.size());
  out.insert(out.begin() + place, points.begin(), points.end());
  return Shape(out);
}

Access gathered_access(const Shape& in, const std::vector<int>& axes, int points, int place) {
  Access access;
  int other = 0;
  for (int k = 0; k < in.rank(); ++k) {
    if (is_one_of(k, axes)) {
      access.push_back(AxisMap::gather());
    } else {
      access.push_back(AxisMap::point(other < place ? other : other + points));
      ++other;
    }
  }
  return access;
}

/// The points' axes of a box of the domain.
Box points_of(const Box& box, int place, int rank) {
  return {Dims(box.start.begin() + place, box.start.begin() + place + rank),
          Dims(box.shape.begin() + place, box.shape.begin() + place + rank)};
}

/// Calls `row(first, n)` with the flat number of the first point of every row of `box`.
template <class F>
void for_each_points_row(const Box& box, const Shape& points, F&& row) {
  if (box.empty()) return;
  const int last = points.rank() - 1;
  const Dims strides = contiguous_strides(points, 1);
  Dims at = box.start;
  while (true) {
    Index first = 0;
    for (int k = 0; k <= last; ++k) first += at[k] * strides[k];
    row(first, box.shape[last]);
    int k = last - 1;
    for (; k >= 0; --k) {
      if (++at[k] < box.end(k)) break;
      at[k] = box.start[k];
    }
    if (k < 0) return;
  }
}

}  // namespace

GatherOp::GatherOp(const Spec& input, std::vector<int> axes, std::vector<PositionsRef> positions, Shape points, int place)
    : Op(gathered_shape(input.shape, axes, points, place), {{gathered_shape(input.shape, axes, points, place), input.dtype}},
         {gathered_access(input.shape, axes, points.rank(), place)},
         {identity_access(input.shape.rank() - static_cast<int>(axes.size()) + points.rank())}),
      axes_(std::move(axes)),
      positions_(std::move(positions)),
      points_(points),
      place_(place) {
  bool fits = !axes_.empty() && axes_.size() == positions_.size() && points_.rank() > 0 && place_ >= 0 &&
              domain().rank() == input.shape.rank() - static_cast<int>(axes_.size()) + points_.rank() &&
              std::is_sorted(axes_.begin(), axes_.end(), std::less_equal<int>()) && axes_.front() >= 0 && axes_.back() < input.shape.rank();
  for (std::size_t i = 0; fits && i < axes_.size(); ++i) {
    fits = positions_[i]->size() == element_count(points_);
    if (!fits) break;
    const auto hull = positions_[i]->hull(0, positions_[i]->size());
    fits = hull.high < hull.low || (hull.low >= 0 && hull.high < input.shape[axes_[i]]);
  }
  if (!fits) fail(ErrorKind::kData, "The index arrays do not fit an array of shape {}.", to_string(input.shape));
}

nlohmann::json GatherOp::frame() const { return {{"axes", axes_}, {"points", points_.to_vector()}, {"place", place_}}; }

nlohmann::json GatherOp::params() const {
  auto json = frame();
  json["positions"] = nlohmann::json::array();
  for (const PositionsRef& positions : positions_) json["positions"].push_back(positions->to_json());
  return json;
}

std::string GatherOp::key() const {
  auto json = frame();
  json["positions"] = nlohmann::json::array();
  for (const PositionsRef& positions : positions_) json["positions"].push_back(positions->digest());
  return json.dump();
}

Box GatherOp::input_box(int, const Box& box, const Shape& array) const {
  if (box.empty()) return {Dims(array.rank(), 0), Shape(array.rank(), 0)};
  Box out = map_box(input(0), box, array);
  const Box points = points_of(box, place_, points_.rank());
  const Index rows = points.count() / points.shape.back();
  for (std::size_t i = 0; i < axes_.size(); ++i) {
    Positions::Range all;
    const auto add = [&](Index first, Index end) {
      const auto hull = positions_[i]->hull(first, end);
      all = all.high < all.low ? hull : Positions::Range{std::min(all.low, hull.low), std::max(all.high, hull.high)};
    };
    if (rows <= kFewRows) {
      for_each_points_row(points, points_, [&](Index first, Index n) { add(first, first + n); });
    } else {  // what lies between the rows counts too
      Index first = 0, last = 0;
      for (int k = 0; k < points_.rank(); ++k) {
        first = first * points_[k] + points.start[k];
        last = last * points_[k] + points.end(k) - 1;
      }
      add(first, last + 1);
    }
    out.start[axes_[i]] = all.low;
    out.shape[axes_[i]] = all.high - all.low + 1;
  }
  return out;
}

Need GatherOp::need(const Box& box) const {
  return {2 * Scratch::rounded(kPointsAtOnce * static_cast<Index>(sizeof(Index))), 1.0 * static_cast<double>(box.count())};
}

void GatherOp::run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch& scratch, const Cancel& cancel) const {
  const Tile& from = in[0];
  const View& to = out[0].view;
  const Index width = size_of(to.dtype);
  const int rank = domain().rank(), after = place_ + points_.rank();
  const auto from_offsets = scratch.take_array<Index>(kPointsAtOnce), to_offsets = scratch.take_array<Index>(kPointsAtOnce);

  // The input seen by its other axes: those before the points, and those after.
  const std::byte* base = from.view.data;
  View before{nullptr, to.dtype, {}, {}}, behind = before, before_to = before, behind_to = before;
  for (int k = 0, other = 0; k < from.view.rank(); ++k) {
    if (is_one_of(k, axes_)) {
      base -= from.box.start[k] * from.view.strides[k];
      continue;
    }
    const int axis = other < place_ ? other : other + points_.rank();
    base += (box.start[axis] - from.box.start[k]) * from.view.strides[k];
    View& view = other < place_ ? before : behind;
    View& view_to = other < place_ ? before_to : behind_to;
    view.shape.push_back(box.shape[axis]), view.strides.push_back(from.view.strides[k]);
    view_to.shape.push_back(box.shape[axis]), view_to.strides.push_back(to.strides[axis]);
    ++other;
  }

  Index held = 0;
  const auto flush = [&] {
    cancel.check();
    before.data = const_cast<std::byte*>(base), before_to.data = to.data;
    // `for_each_row` gives rows; the last axis of what stands before the points is walked here.
    const Index n = before.rank() == 0 ? 1 : before.shape.back();
    for_each_row(before.shape, {&before, &before_to}, [&](std::byte** data) {
      for (Index i = 0; i < n; ++i) {
        const std::byte* source = data[0] + (before.rank() == 0 ? 0 : i * before.strides.back());
        std::byte* target = data[1] + (before.rank() == 0 ? 0 : i * before_to.strides.back());
        if (after == rank) {
          kernels::gather_elements(source, from_offsets.first(static_cast<std::size_t>(held)), target, to_offsets, width);
          continue;
        }
        for (Index p = 0; p < held; ++p) {
          const auto at = static_cast<std::size_t>(p);
          behind.data = const_cast<std::byte*>(source) + from_offsets[at], behind_to.data = target + to_offsets[at];
          copy(behind, behind_to);
        }
      }
    });
    held = 0;
  };
  const Box points = points_of(box, place_, points_.rank());
  const Dims strides = contiguous_strides(points_, 1);
  const Index step = to.strides[after - 1];
  for_each_points_row(points, points_, [&](Index first, Index n) {
    Index row = 0, rest = first;
    for (int k = 0; k < points_.rank(); ++k) {
      row += (rest / strides[k] - points.start[k]) * to.strides[place_ + k];
      rest %= strides[k];
    }
    for (Index i = 0; i < n; ++i) {
      Index offset = 0;
      for (std::size_t a = 0; a < axes_.size(); ++a) offset += (*positions_[a])[first + i] * from.view.strides[axes_[a]];
      from_offsets[static_cast<std::size_t>(held)] = offset;
      to_offsets[static_cast<std::size_t>(held)] = row + i * step;
      if (++held == kPointsAtOnce) flush();
    }
  });
  if (held > 0) flush();
}

namespace {

constexpr Index kRowBytes = 4096;          // a position that brings this much is as good read alone
constexpr Index kSmallAxis = 1 << 20;      // bytes behind the whole hull: any tile may read them
constexpr Index kTypicalPoints = 1 << 14;  // of a tile

/// What tiles of points in this order would read, in positions of the first axis.
Index read_in_order(const Positions& positions) {
  Index read = 0;
  for (Index first = 0; first < positions.size(); first += kTypicalPoints) {
    const auto hull = positions.hull(first, std::min(positions.size(), first + kTypicalPoints));
    read += hull.high - hull.low + 1;
  }
  return read;
}

}  // namespace

Array gather(const Array& a, std::vector<int> axes, std::vector<PositionsRef> positions, const Shape& points, int place) {
  const auto direct = [&](const Array& from, const std::vector<int>& on, std::vector<PositionsRef> which, const Shape& shape, int at) {
    return apply_op(std::make_shared<GatherOp>(from.spec(), on, std::move(which), shape, at), {from});
  };
  // A tile of points in no order needs the whole axis. Where a tile can be one position (many bytes each), or the axis is small, that is
  // no loss. Otherwise the points are taken in the order of the array, whose tiles are tight and read once, and then put into the order
  // that was asked for: that step sees the points whole, never the array. Chosen by shapes and positions alone.
  const Index count = element_count(points);
  Index row_bytes = size_of(a.dtype());
  for (int k = 0; k < a.rank(); ++k)
    if (k != axes[0]) row_bytes *= a.shape()[k];
  const auto hull = positions[0]->hull(0, count);
  Index other_bytes = row_bytes;
  for (std::size_t i = 1; i < axes.size(); ++i) other_bytes /= std::max<Index>(1, a.shape()[axes[i]]);
  const bool small = count == 0 || other_bytes >= kRowBytes || (hull.high - hull.low + 1) * row_bytes <= kSmallAxis;
  if (small || read_in_order(*positions[0]) <= 4 * (hull.high - hull.low + 1)) return direct(a, axes, positions, points, place);

  std::vector<Index> order(static_cast<std::size_t>(count)), inverse(order.size());
  std::iota(order.begin(), order.end(), Index{0});
  std::stable_sort(order.begin(), order.end(), [&](Index x, Index y) {
    for (const PositionsRef& p : positions)
      if ((*p)[x] != (*p)[y]) return (*p)[x] < (*p)[y];
    return false;
  });
  std::vector<PositionsRef> sorted;
  for (const PositionsRef& p : positions) {
    std::vector<Index> values;
    values.reserve(order.size());
    for (const Index i : order) values.push_back((*p)[i]);
    sorted.push_back(std::make_shared<Positions>(std::move(values)));
  }
  for (std::size_t i = 0; i < order.size(); ++i) inverse[static_cast<std::size_t>(order[i])] = static_cast<Index>(i);
  const Array in_order = direct(a, axes, std::move(sorted), {count}, place);
  return direct(in_order, {place}, {std::make_shared<Positions>(std::move(inverse))}, points, place);
}

}  // namespace freestone
