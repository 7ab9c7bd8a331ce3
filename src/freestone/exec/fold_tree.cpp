#include "freestone/exec/fold_tree.h"

namespace freestone {

FoldTree::State FoldTree::fresh() const {
  State state(static_cast<std::size_t>(fold_.state_words() * 8 * outputs_));
  fold_.init(state.data(), outputs_);
  return state;
}

bool FoldTree::add(Index leaf, State state) {
  int level = 0;
  Index number = leaf, count = leaves_;
  while (count > 1) {
    const Index parent_number = number / kArity, child = number % kArity;
    const Index children = std::min(kArity, count - parent_number * kArity);
    Parent& parent = parents_[{level, parent_number}];
    if (child != parent.next) {
      parent.early.emplace(child, std::move(state));
      return false;
    }
    if (child == 0)
      parent.state = std::move(state);
    else
      fold_.merge(parent.state.data(), state.data(), outputs_);
    ++parent.next;
    for (auto early = parent.early.find(parent.next); early != parent.early.end(); early = parent.early.find(parent.next)) {
      fold_.merge(parent.state.data(), early->second.data(), outputs_);
      parent.early.erase(early);
      ++parent.next;
    }
    if (parent.next < children) return false;
    state = std::move(parent.state);
    parents_.erase({level, parent_number});
    ++level;
    number = parent_number;
    count = (count + kArity - 1) / kArity;
  }
  root_ = std::move(state);
  return true;
}

LeafGrid::LeafGrid(const Fold& fold, const Shape& domain) : fold_(fold) {
  for (const int k : fold.axes()) {
    counts_.push_back((domain[k] + fold.leaf()[k] - 1) / fold.leaf()[k]);
    count *= counts_.back();
  }
}

}  // namespace freestone
