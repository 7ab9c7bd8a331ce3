/// The smallest beam that every one of several beams can be convolved to.
#pragma once

#include <span>

#include "freestone/astro/beam.h"

namespace freestone::astro {

struct CommonBeamOptions {
  double tolerance = 1e-4;    ///< of Khachiyan's iteration
  double epsilon = 5e-4;      ///< widening of the beams, so that the result can be deconvolved; grows up to ...
  double max_epsilon = 1e-3;  ///< ... this
  int samples = 200;          ///< points on each ellipse
};

/// One beam: itself. When the largest by area encloses all: that. Two: the exact solution (CASA's ia.commonbeam). More: the minimum-volume
/// ellipse around points of all ellipses, by Khachiyan's algorithm. Invalid beams are left out. The rules of radio_beam.Beams.common_beam.
/// @throws Error kind user: no valid beam; data: no ellipse found that all can be convolved to
Beam common_beam(std::span<const Beam> beams, const CommonBeamOptions& options = {});

/// The largest by area of the valid ones. @throws Error kind user: no valid beam
Beam largest_beam(std::span<const Beam> beams);

}  // namespace freestone::astro
