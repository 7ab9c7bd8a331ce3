/// Plan picture: what a plan will do, as boxes from top to bottom.
///
/// Sources, stages, the stores between them and sinks, with shapes, tiles, memory and time in the boxes and bytes on the
/// arrows. Results of a stage that look alike (the numbers of a statistics table) share a box. Text that does not fit
/// is cut with an ellipsis; the whole of it is in the SVG's hints.
#pragma once

#include <string>

#include "freestone/plan/plan.h"

namespace freestone::watch {

/// Draws `plan` into an .svg, .pdf or .png file; an existing file is replaced when the new one is whole.
/// @throws Error kind user: another suffix; kind io
void save_plan_picture(const Plan& plan, const std::string& path);

}  // namespace freestone::watch
