/// FoldStates: states of reductions on their way from one process to another.
///
/// A range of a stage's tiles leaves, piece by piece of the kept axes, the nodes of the merge tree that it could make, and the beginning of
/// those that it could not make whole. Whoever takes the states of all ranges, in any order and grouping, merges the same nodes in the same
/// order as one process would.
#pragma once

#include <string>
#include <vector>

#include "freestone/core/box.h"
#include "freestone/exec/fold_tree.h"

namespace freestone {

class FoldStates {
 public:
  struct Part {
    int level = 0;
    Index number = 0, merged = 0;  ///< as FoldTree::for_each_part
    FoldTree::State state;
  };
  struct Piece {
    int body = 0;  ///< the node's place in the stage's body
    Box box;       ///< of the node's domain
    std::vector<Part> parts;
  };

  std::vector<Piece>& pieces() { return pieces_; }

  /// As bytes: a length, a JSON text of what there is, and the states one after the other.
  std::string bytes() const;
  /// Adds what `bytes` gave in another process.
  /// @throws Error kind data: damaged
  void add(std::string_view bytes);

 private:
  std::vector<Piece> pieces_;
};

}  // namespace freestone
