#include "freestone/array/axis_map.h"

namespace freestone {
namespace {

Index floor_div(Index a, Index b) {
  const Index q = a / b;
  return q * b != a && ((a < 0) != (b < 0)) ? q - 1 : q;
}

}  // namespace

Access identity_access(int rank) {
  Access access;
  for (int k = 0; k < rank; ++k) access.push_back(AxisMap::point(k));
  return access;
}

Box map_box(const Access& access, const Box& domain, const Shape& array) {
  Box out(array);
  const bool nothing = domain.empty();
  for (int k = 0; k < array.rank(); ++k) {
    const AxisMap& map = access[static_cast<std::size_t>(k)];
    if (map.kind == AxisKind::kWhole || map.kind == AxisKind::kGather) continue;
    Index first = map.offset, last = map.offset;
    if (map.kind == AxisKind::kPoint) {
      const Index a = domain.start[map.domain_axis], b = domain.end(map.domain_axis);
      if (nothing || a >= b) {
        out.start[k] = 0, out.shape[k] = 0;
        continue;
      }
      first = map.offset + a * map.mul, last = map.offset + (b - 1) * map.mul;
      if (first > last) std::swap(first, last);
      first -= map.before, last += map.after;
    }
    first = std::max<Index>(first, 0);
    last = std::min<Index>(last, array[k] - 1);
    out.start[k] = first;
    out.shape[k] = std::max<Index>(0, last - first + 1);
  }
  return out;
}

Box inverse_box(const Access& access, const Box& part, const Shape& domain) {
  Box out(domain);
  for (int k = 0; k < part.rank(); ++k) {
    const AxisMap& map = access[static_cast<std::size_t>(k)];
    if (map.kind != AxisKind::kPoint) continue;
    // Positions i with offset + i*mul inside the part; the group that a part cuts is taken whole.
    Index first, end;
    if (map.mul > 0) {
      first = floor_div(part.start[k] - map.offset, map.mul);
      end = floor_div(part.end(k) - 1 - map.offset, map.mul) + 1;
    } else {
      first = floor_div(map.offset - (part.end(k) - 1), -map.mul);
      end = floor_div(map.offset - part.start[k], -map.mul) + 1;
    }
    const int axis = map.domain_axis;
    first = std::max<Index>(first, 0);
    end = std::min(end, domain[axis]);
    out.start[axis] = first;
    out.shape[axis] = part.shape[k] == 0 ? 0 : std::max<Index>(0, end - first);
  }
  return out;
}

}  // namespace freestone
