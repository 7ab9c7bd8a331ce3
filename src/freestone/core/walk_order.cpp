#include "freestone/core/walk_order.h"

#include <algorithm>
#include <cstdlib>

namespace freestone {

void sort_outer_axes(std::span<View> views) {
  const int outer = views.empty() ? 0 : views[0].rank() - 1;
  const auto least_step = [&](int axis) {
    Index least = Index{1} << 62;
    for (const View& view : views)
      if (const Index step = std::abs(view.strides[axis]); step > 0) least = std::min(least, step);
    return least;
  };
  // Insertion: few axes, nearly always in order already.
  for (int k = 1; k < outer; ++k)
    for (int j = k; j > 0 && least_step(j - 1) < least_step(j); --j)
      for (View& view : views) {
        std::swap(view.shape[j], view.shape[j - 1]);
        std::swap(view.strides[j], view.strides[j - 1]);
      }
}

}  // namespace freestone
