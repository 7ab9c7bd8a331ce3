#include "freestone/exec/fold_tree.h"

#include <algorithm>

namespace freestone {
namespace {

/// Memory of merged states, for the next leaves of the same lane: fresh pages for each would cost more than folding (a state of groups is
/// half a megabyte). A lane that is ahead leaves a tile's states to another, which merges them and has them all to spare.
class Spares {
 public:
  FoldTree::State take(std::size_t bytes) {
    const auto found = std::find_if(spares_.rbegin(), spares_.rend(), [&](const FoldTree::State& spare) { return spare.size() == bytes; });
    if (found == spares_.rend()) return FoldTree::State(bytes);
    FoldTree::State out = std::move(*found);
    spares_.erase(std::next(found).base());
    bytes_ -= bytes;
    return out;
  }
  void give(FoldTree::State&& state) {
    if (state.empty() || state.size() > kLargest) return;
    bytes_ += state.size();
    spares_.push_back(std::move(state));
    while (spares_.size() > kMost || bytes_ > kMostBytes) {  // the oldest may be of another fold
      bytes_ -= spares_.front().size();
      spares_.erase(spares_.begin());
    }
  }

 private:
  static constexpr std::size_t kMost = 64, kLargest = std::size_t{1} << 20, kMostBytes = 3 * kLargest;
  std::vector<FoldTree::State> spares_;
  std::size_t bytes_ = 0;
};
thread_local Spares spares;

}  // namespace

FoldTree::~FoldTree() { spares.give(std::move(root_)); }

FoldTree::State FoldTree::fresh() const {
  State state = spares.take(static_cast<std::size_t>(fold_.state_words() * 8 * outputs_));
  fold_.init(state.data(), outputs_);
  return state;
}

Index FoldTree::count(int level) const {
  Index nodes = leaves_;
  for (int l = 0; l < level; ++l) nodes = (nodes + kArity - 1) / kArity;
  return nodes;
}

bool FoldTree::has_place(int level, Index number, Index merged) const {
  constexpr int kHighest = 16;  // 16^16 leaves
  if (level < 0 || level > kHighest || number < 0 || merged < 0 || merged >= kArity) return false;
  return number < count(merged == 0 ? level : level + 1) && (merged == 0 || count(level) > 1);
}

bool FoldTree::add(Index leaf, State state) { return put(0, leaf, std::move(state)); }

bool FoldTree::put(int level, Index number, State state) {
  if (count(level) == 1) {
    root_ = std::move(state);
    return true;
  }
  Parent& parent = parents_[{level, number / kArity}];
  if (number % kArity != parent.next) {
    parent.early.emplace(number % kArity, std::move(state));
    return false;
  }
  merge_next(parent, std::move(state));
  // As a rule children come in order: nothing waits, and their parent is not whole yet.
  const bool whole = parent.next == std::min(kArity, count(level) - number / kArity * kArity);
  return (whole || !parent.early.empty()) && settle(level, number / kArity);
}

void FoldTree::merge_next(Parent& parent, State state) {
  if (parent.next++ == 0) {
    parent.state = std::move(state);
  } else {
    fold_.merge(parent.state.data(), state.data(), outputs_);
    spares.give(std::move(state));
  }
}

bool FoldTree::put_first(int level, Index parent_number, Index merged, State state) {
  Parent& parent = parents_[{level, parent_number}];
  ensure(parent.next == 0, "a leaf came twice");
  parent.state = std::move(state);
  parent.next = merged;
  return settle(level, parent_number);
}

bool FoldTree::settle(int level, Index parent_number) {
  while (true) {
    const auto found = parents_.find({level, parent_number});
    Parent& parent = found->second;
    for (auto early = parent.early.find(parent.next); early != parent.early.end(); early = parent.early.find(parent.next)) {
      merge_next(parent, std::move(early->second));
      parent.early.erase(early);
    }
    if (parent.next < std::min(kArity, count(level) - parent_number * kArity)) return false;
    State state = std::move(parent.state);
    parents_.erase(found);
    ++level;
    if (count(level) == 1) {
      root_ = std::move(state);
      return true;
    }
    parents_[{level, parent_number / kArity}].early.emplace(parent_number % kArity, std::move(state));
    parent_number /= kArity;
  }
}

LeafGrid::LeafGrid(const Fold& fold, const Shape& domain) : fold_(fold) {
  for (const int k : fold.axes()) {
    counts_.push_back((domain[k] + fold.leaf()[k] - 1) / fold.leaf()[k]);
    count *= counts_.back();
  }
}

}  // namespace freestone
