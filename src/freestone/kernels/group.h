/// Folds by group: one axis, whose positions have keys, becomes an axis of groups.
///
/// The state of n outputs is a head (which groups were touched) and one block of fold words a group. Groups are made fresh when they are
/// first touched, and merging looks at touched groups only, so a leaf costs what its own groups cost, however many there are.
/// Inside a leaf the elements of a group are folded in order of position, one lane a kept element (eight where no axis is kept): the bits
/// depend on the leaves alone.
#pragma once

#include <memory>

#include "freestone/kernels/fold.h"

namespace freestone::kernels {

/// Immutable and safe to share between threads.
class GroupFold {
 public:
  /// `request.name`: what make_fold knows with one output, or "first" and "last" (of what is valid).
  /// @throws Error kind user: as make_fold; a fold of several outputs
  GroupFold(FoldRequest request, Index groups);

  DType output() const { return kernel_->outputs()[0]; }
  /// Words of state for each kept element.
  Index words() const { return head_words() + groups_ * kernel_->words(); }

  void init(Word* state, Index n) const;
  /// Adds one leaf to a fresh state. `keys`: one for each position of `in` along `axis`, -1 leaves it out; the first of them is position
  /// `start` of the whole array (for argmin, argmax).
  /// @throws Error kind data: a key out of range
  void scan(const View& in, int axis, Index start, const View& keys, Word* state, Index n) const;
  void merge(Word* into, const Word* from, Index n) const;
  /// Writes n x groups elements: kept axes in C order with the groups where `axis` was.
  void finish(const Word* state, Index n, std::byte* out) const;

 private:
  Index head_words() const { return 1 + (groups_ + 63) / 64; }
  Word* block(Word* state, Index group, Index n) const { return state + head_words() + group * kernel_->words() * n; }
  const Word* block(const Word* state, Index group, Index n) const { return block(const_cast<Word*>(state), group, n); }
  template <class F>
  void for_each_touched(const Word* state, F&& f) const;

  FoldRequest request_;
  Index groups_;
  bool gives_positions_;
  std::unique_ptr<FoldKernel> kernel_;
};

}  // namespace freestone::kernels
