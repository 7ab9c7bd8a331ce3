/// SharedFold: states of a fold that live across tasks, a tree for each piece of the kept axes.
#pragma once

#include <map>
#include <memory>
#include <mutex>

#include "freestone/exec/fold_tree.h"
#include "freestone/plan/stage_program.h"

namespace freestone {

class SharedFold {
 public:
  SharedFold(const Fold& fold, const Shape& domain) : fold_(fold), grid_(fold, domain) {}

  struct Piece {
    std::mutex mutex;
    std::unique_ptr<FoldTree> tree;
    Box box;  ///< its kept axes; reduced ones do not matter
  };
  const LeafGrid& grid() const { return grid_; }
  /// The piece whose kept axes are those of `box`.
  Piece& piece(const Box& box) {
    const Dims key = kept_start(box);
    const std::lock_guard lock(mutex_);
    auto& slot = pieces_[key];
    if (!slot) {
      slot = std::make_unique<Piece>();
      slot->box = box;
      slot->tree = std::make_unique<FoldTree>(fold_, grid_.count, kept_count(fold_, box));
    }
    return *slot;
  }
  void drop(const Box& box) {
    const std::lock_guard lock(mutex_);
    pieces_.erase(kept_start(box));
  }

  /// Pieces that are not whole yet, in order of their places; no lane works on them.
  template <class F>
  void for_each_piece(F&& visit) const {
    for (const auto& [start, piece] : pieces_) visit(*piece);
  }

 private:
  Dims kept_start(const Box& box) const {
    Dims start = box.start;
    for (const int k : fold_.axes()) start[k] = 0;
    return start;
  }
  const Fold& fold_;
  LeafGrid grid_;
  std::mutex mutex_;
  std::map<Dims, std::unique_ptr<Piece>> pieces_;
};

}  // namespace freestone
