/// FoldTree: states of leaves merged in a fixed 16-ary tree, whatever the order in which they come.
///
/// Leaf i is child i of the tree's lowest level; sixteen neighbours make their parent, always merged from the first to the last. A child
/// that comes early waits, so at any time only the states on the path and the early ones are held.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "freestone/plan/stage_program.h"

namespace freestone {

class FoldTree {
 public:
  static constexpr Index kArity = kFoldArity;
  /// Memory as it comes: `Fold::init` writes what is read later, and a state of which a leaf touches little (groups) costs little.
  struct AsItComes : std::allocator<std::byte> {
    template <class U>
    struct rebind {
      using other = AsItComes;
    };
    void construct(std::byte*) {}
  };
  using State = std::vector<std::byte, AsItComes>;

  /// @param leaves   of the whole grid, at least 1
  /// @param outputs  kept elements of the piece
  FoldTree(const Fold& fold, Index leaves, Index outputs) : fold_(fold), leaves_(leaves), outputs_(outputs) {}
  ~FoldTree();
  FoldTree(const FoldTree&) = delete;
  FoldTree& operator=(const FoldTree&) = delete;

  /// A fresh state for one leaf.
  State fresh() const;
  /// Takes the finished state of leaf `leaf`; each leaf comes once. True when that was the last one.
  bool add(Index leaf, State state);
  /// The same of a state that is merged already: node `number` of a level of the tree, leaves being level 0.
  bool put(int level, Index number, State state);
  /// The same of the first `merged` children of a node of the level above `level`, merged.
  bool put_first(int level, Index parent, Index merged, State state);
  /// Whether there is such a node, or such a parent, in the tree.
  bool has_place(int level, Index number, Index merged) const;
  /// What has come and is not merged to the end, in a fixed order: calls `part(level, number, merged, state)`; merged 0: node `number` of
  /// `level`; else the first `merged` children of parent `number`.
  template <class F>
  void for_each_part(F&& part) const;
  /// The merged state, when complete.
  const State& root() const { return root_; }

 private:
  struct Parent {
    State state;
    Index next = 0;  ///< the child that is merged next
    std::map<Index, State> early;
  };
  /// Merges the child whose turn it is.
  void merge_next(Parent& parent, State state);
  /// Merges what waits for its turn under a parent, and goes up as long as parents become whole. True at the root.
  bool settle(int level, Index parent_number);
  /// Nodes of a level.
  Index count(int level) const;

  const Fold& fold_;
  Index leaves_, outputs_;
  std::map<std::pair<int, Index>, Parent> parents_;  ///< by level and number
  State root_;
};

template <class F>
void FoldTree::for_each_part(F&& part) const {
  for (const auto& [key, parent] : parents_) {
    const auto& [level, number] = key;
    if (parent.next > 0) part(level, number, parent.next, parent.state);
    for (const auto& [child, state] : parent.early) part(level, number * kArity + child, Index{0}, state);
  }
}

/// The leaf grid of a fold over its domain.
struct LeafGrid {
  LeafGrid(const Fold& fold, const Shape& domain);
  Index count = 1;  ///< of all reduced axes
  /// Calls `visit(number, box)` for each leaf that `part` holds; part's reduced axes lie on leaf edges. `box` has part's kept axes.
  template <class F>
  void for_each(const Box& part, F&& visit) const;

 private:
  const Fold& fold_;
  Shape counts_;
};

template <class F>
void LeafGrid::for_each(const Box& part, F&& visit) const {
  const auto& axes = fold_.axes();
  Dims first(static_cast<int>(axes.size())), at, end(static_cast<int>(axes.size()));
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const Index leaf = fold_.leaf()[axes[i]];
    first[static_cast<int>(i)] = part.start[axes[i]] / leaf;
    end[static_cast<int>(i)] = (part.end(axes[i]) + leaf - 1) / leaf;
    if (part.shape[axes[i]] == 0) return;
  }
  at = first;
  while (true) {
    Index number = 0;
    Box box = part;
    for (std::size_t i = 0; i < axes.size(); ++i) {
      const Index leaf = fold_.leaf()[axes[i]], position = at[static_cast<int>(i)];
      number = number * counts_[static_cast<int>(i)] + position;
      box.start[axes[i]] = position * leaf;
      box.shape[axes[i]] = std::min((position + 1) * leaf, part.end(axes[i])) - position * leaf;
    }
    visit(number, box);
    int k = at.rank() - 1;
    for (; k >= 0; --k) {
      if (++at[k] < end[k]) break;
      at[k] = first[k];
    }
    if (k < 0) return;
  }
}

}  // namespace freestone
