/// The order in which strided views are walked so that what comes into a cache is used before it goes.
#pragma once

#include <span>

#include "freestone/core/view.h"

namespace freestone {

/// Brings all axes but the last into another order, the same for all of `views`, which share a shape: axes along which some view moves by
/// less than a cache line come last. Elements do not change place; where each is visited matters to nobody who uses this.
void sort_outer_axes(std::span<View> views);

}  // namespace freestone
