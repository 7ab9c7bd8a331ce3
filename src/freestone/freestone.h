/// Freestone: computations on science data larger than memory, at the speed of the disk.
///
/// Everything that a user of the library needs. Describe with Arrays (`open`, arithmetic, reductions), then ask for results (`compute`,
/// `write`); spectral cubes with WCS, units and beams are in namespace freestone::astro.
#pragma once

#include "freestone/array/array.h"
#include "freestone/astro/spectral_cube.h"
#include "freestone/exec/compute.h"
#include "freestone/exec/counted.h"
#include "freestone/label/open.h"
#include "freestone/label/write.h"
#include "freestone/ops/cumulative.h"
#include "freestone/ops/downsample.h"
#include "freestone/ops/elementwise.h"
#include "freestone/ops/filters.h"
#include "freestone/ops/group.h"
#include "freestone/ops/histogram.h"
#include "freestone/ops/quantile.h"
#include "freestone/ops/reduce.h"
#include "freestone/ops/search.h"
#include "freestone/ops/select.h"
#include "freestone/ops/shape.h"
#include "freestone/ops/smooth.h"
#include "freestone/ops/sort.h"
#include "freestone/ops/user.h"
#include "freestone/plan/explain.h"
#include "freestone/watch/profile.h"
#include "freestone/watch/progress.h"
