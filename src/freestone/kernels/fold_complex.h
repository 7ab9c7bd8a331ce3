/// Folds of complex numbers, made of folds of their parts where the definition allows it.
#pragma once

#include <memory>

#include "freestone/kernels/fold.h"

namespace freestone::kernels {

/// The fold `request`, whose dtype is complex.
/// @throws Error kind user: a fold that complex numbers do not have
std::unique_ptr<FoldKernel> make_complex_fold(const FoldRequest& request);

}  // namespace freestone::kernels
