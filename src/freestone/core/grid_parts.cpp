#include "freestone/core/grid_parts.h"

#include <algorithm>

namespace freestone {

namespace {

// More than anything holds: metadata may claim it, and what is planned with it does not fit.
constexpr Index kTooMany = Index{1} << 60;

}  // namespace

GridParts::GridParts(const Box& box, const Shape& step) : box_(box), step_(step), first_(box.rank()), counts_(box.rank()) {
  for (int k = 0; k < box.rank(); ++k) {
    first_[k] = box.start[k] / step[k];
    counts_[k] = box.shape[k] == 0 ? 0 : (box.end(k) - 1) / step[k] - first_[k] + 1;
    if (__builtin_mul_overflow(count_, counts_[k], &count_) || count_ > kTooMany) count_ = kTooMany;
  }
}

Dims GridParts::position(Index number) const {
  Dims at = first_;
  for (int k = box_.rank(); k-- > 0;) {
    at[k] += number % counts_[k];
    number /= counts_[k];
  }
  return at;
}

Box GridParts::operator[](Index number) const {
  const Dims at = position(number);
  Box part = box_;
  for (int k = 0; k < box_.rank(); ++k) {
    part.start[k] = std::max(box_.start[k], at[k] * step_[k]);
    part.shape[k] = std::min(box_.end(k), (at[k] + 1) * step_[k]) - part.start[k];
  }
  return part;
}

Index GridParts::number_of(const Dims& at) const {
  Index number = 0;
  for (int k = 0; k < box_.rank(); ++k) number = number * counts_[k] + (at[k] / step_[k] - first_[k]);
  return number;
}

}  // namespace freestone
