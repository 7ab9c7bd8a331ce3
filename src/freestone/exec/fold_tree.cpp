#include "freestone/exec/fold_tree.h"

namespace freestone {
namespace {

/// Memory of merged states, for the next leaf of the same lane: fresh pages for each would cost more than folding (a state of groups is
/// half a megabyte).
class Spares {
 public:
  FoldTree::State take(std::size_t bytes) {
    for (FoldTree::State& spare : spares_)
      if (spare.size() == bytes) {
        FoldTree::State out = std::move(spare);
        spare = std::move(spares_.back());
        spares_.pop_back();
        return out;
      }
    spares_.clear();  // of another fold
    return FoldTree::State(bytes);
  }
  void give(FoldTree::State&& state) {
    if (spares_.size() < kMost && state.size() <= kLargest && !state.empty()) spares_.push_back(std::move(state));
  }

 private:
  static constexpr std::size_t kMost = 3, kLargest = std::size_t{1} << 20;
  std::vector<FoldTree::State> spares_;
};
thread_local Spares spares;

}  // namespace

FoldTree::~FoldTree() { spares.give(std::move(root_)); }

FoldTree::State FoldTree::fresh() const {
  State state = spares.take(static_cast<std::size_t>(fold_.state_words() * 8 * outputs_));
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
    if (child == 0) {
      parent.state = std::move(state);
    } else {
      fold_.merge(parent.state.data(), state.data(), outputs_);
      spares.give(std::move(state));
    }
    ++parent.next;
    for (auto early = parent.early.find(parent.next); early != parent.early.end(); early = parent.early.find(parent.next)) {
      fold_.merge(parent.state.data(), early->second.data(), outputs_);
      spares.give(std::move(early->second));
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
