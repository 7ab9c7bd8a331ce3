#include "freestone/array/array.h"

#include <mutex>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <unordered_set>

#include "freestone/base/fork.h"

namespace freestone {
namespace {

/// Nodes that are alive, by what they are. A node's key names its inputs by address: they live as long as it does.
struct Interned {
  std::mutex mutex;
  std::unordered_map<std::string, std::weak_ptr<const Node>> nodes;
};
Interned& interned() {
  static auto* table = [] {
    auto* made = new Interned;  // never destroyed: arrays may outlive static objects
    hold_across_forks(made->mutex);
    return made;
  }();
  return *table;
}

std::string key_of(const Op& op, const std::vector<Array>& inputs) {
  std::string key = fmt::format("{}/{}:{}", op.name(), op.version(), op.key());
  for (const Array& input : inputs) key += fmt::format("|{}.{}", static_cast<const void*>(input.node().get()), input.output());
  return key;
}

}  // namespace

const Spec& Array::spec() const {
  ensure(node_ != nullptr, "an empty Array was used");
  return node_->op->outputs()[static_cast<std::size_t>(output_)];
}

const ChunkGrid& Array::chunks() const { return node_->chunks[static_cast<std::size_t>(output_)]; }

std::vector<Array> apply_op_all(std::shared_ptr<const Op> op, std::vector<Array> inputs) {
  std::string key = key_of(*op, inputs);
  const int outputs = static_cast<int>(op->outputs().size());
  auto& table = interned();
  std::shared_ptr<const Node> node;
  {
    const std::lock_guard lock(table.mutex);
    if (const auto found = table.nodes.find(key); found != table.nodes.end()) node = found->second.lock();
  }
  if (!node) {
    auto fresh = std::make_unique<Node>();
    std::vector<ChunkGrid> grids;
    for (const Array& input : inputs) grids.push_back(input.chunks());
    for (int i = 0; i < outputs; ++i) fresh->chunks.push_back(op->chunks(i, grids));
    fresh->op = std::move(op);
    fresh->inputs = std::move(inputs);
    node = std::shared_ptr<const Node>(fresh.release(), [key](const Node* dying) {
      {
        auto& alive = interned();
        const std::lock_guard lock(alive.mutex);
        // Another thread may have put an equal node in its place meanwhile.
        if (const auto found = alive.nodes.find(key); found != alive.nodes.end() && found->second.expired()) alive.nodes.erase(found);
      }
      delete dying;
    });
    // The loser of a race goes after the lock is given back: its end takes the lock itself.
    std::shared_ptr<const Node> loser;
    const std::lock_guard lock(table.mutex);
    auto& slot = table.nodes[key];
    if (auto other = slot.lock()) {
      loser = std::exchange(node, std::move(other));
    } else {
      slot = node;
    }
  }
  std::vector<Array> out;
  for (int i = 0; i < outputs; ++i) out.emplace_back(node, i);
  return out;
}

Array apply_op(std::shared_ptr<const Op> op, std::vector<Array> inputs) { return apply_op_all(std::move(op), std::move(inputs)).front(); }

std::vector<std::shared_ptr<const Node>> topological_order(const std::vector<Array>& roots) {
  std::vector<std::shared_ptr<const Node>> order;
  std::unordered_set<const Node*> seen;
  // An explicit stack: graphs of a hundred thousand operations must not overflow the thread's.
  struct Visit {
    std::shared_ptr<const Node> node;
    std::size_t next = 0;
  };
  std::vector<Visit> stack;
  for (const Array& root : roots) {
    if (!seen.insert(root.node().get()).second) continue;
    stack.push_back({root.node()});
    while (!stack.empty()) {
      Visit& top = stack.back();
      if (top.next < top.node->inputs.size()) {
        const auto& input = top.node->inputs[top.next++].node();
        if (seen.insert(input.get()).second) stack.push_back({input});
      } else {
        order.push_back(top.node);
        stack.pop_back();
      }
    }
  }
  return order;
}

}  // namespace freestone
