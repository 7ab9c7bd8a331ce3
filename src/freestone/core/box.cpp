#include "freestone/core/box.h"

namespace freestone {

Index element_count(const Shape& shape) {
  Index count = 1;
  for (const Index extent : shape) count *= extent;
  return count;
}

std::string to_string(const Shape& shape) {
  return fmt::format("({}{})", fmt::join(shape.begin(), shape.end(), ", "), shape.rank() == 1 ? "," : "");
}

Box intersection(const Box& a, const Box& b) {
  Box out = a;
  for (int k = 0; k < a.rank(); ++k) {
    out.start[k] = std::max(a.start[k], b.start[k]);
    out.shape[k] = std::max<Index>(0, std::min(a.end(k), b.end(k)) - out.start[k]);
  }
  return out;
}

Box hull(const Box& a, const Box& b) {
  if (a.empty()) return b;
  if (b.empty()) return a;
  Box out = a;
  for (int k = 0; k < a.rank(); ++k) {
    out.start[k] = std::min(a.start[k], b.start[k]);
    out.shape[k] = std::max(a.end(k), b.end(k)) - out.start[k];
  }
  return out;
}

bool contains(const Box& outer, const Box& inner) {
  for (int k = 0; k < outer.rank(); ++k)
    if (inner.start[k] < outer.start[k] || inner.end(k) > outer.end(k)) return false;
  return true;
}

Box relative_to(const Box& inner, const Box& outer) {
  Box out = inner;
  for (int k = 0; k < inner.rank(); ++k) out.start[k] -= outer.start[k];
  return out;
}

std::string to_string(const Box& box) {
  std::string text = "[";
  for (int k = 0; k < box.rank(); ++k) text += fmt::format("{}{}:{}", k ? ", " : "", box.start[k], box.end(k));
  return text + "]";
}

int normal_axis(Index axis, int rank) {
  if (axis < -rank || axis >= rank) fail(ErrorKind::kUser, "Axis {} is out of range: the array has {} axes.", axis, rank);
  return static_cast<int>(axis < 0 ? axis + rank : axis);
}

}  // namespace freestone
