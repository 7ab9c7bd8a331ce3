/// Run-time dispatch: one source, several instruction sets, the same bits.
///
/// The baseline is plain x86-64. Hot loops live in a `.inl` file, which `for_each_target.h` compiles once for each Target, each time in its
/// own namespace (baseline, avx2, avx512) with its own native vector width; `pick` chooses among the three when the program runs. The bits
/// do not depend on the choice: virtual lanes and the order of sums are written out, and a fused multiply-add is exact everywhere.
#pragma once

namespace freestone::kernels {

enum class Target { kBaseline, kAvx2, kAvx512 };

/// The best that this machine can do.
Target best_target();
/// The one in use: the best, unless a test asked for less.
Target active_target();
/// Uses `target`, or the best when that is less: for tests that compare bits, and for benchmarks. Not while kernels run.
void set_target(Target target);

template <class Function>
Function pick(Function baseline, Function avx2, Function avx512) {
  switch (active_target()) {
    case Target::kAvx512: return avx512;
    case Target::kAvx2: return avx2;
    default: return baseline;
  }
}

}  // namespace freestone::kernels
