/// Array: a description of data, not the data.
///
/// An Array is a handle on an immutable node of a graph: an operation, its inputs, a shape, a dtype. Copying one
/// copies a pointer. Nothing is read or computed before a result is asked for. Two Arrays built the same way share
/// one node, so work asked for twice is done once.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "freestone/array/op.h"

namespace freestone {

struct Node;

class Array {
 public:
  Array() = default;

  const Spec& spec() const;
  const Shape& shape() const { return spec().shape; }
  DType dtype() const { return spec().dtype; }
  int rank() const { return shape().rank(); }
  /// Elements in all; 0 when any axis is empty.
  Index size() const { return element_count(shape()); }
  Index bytes() const { return spec().bytes(); }
  /// Nominal chunks: those of the file that it comes from, where the axes are still the file's.
  const ChunkGrid& chunks() const;
  explicit operator bool() const { return node_ != nullptr; }

  // For the engine:

  Array(std::shared_ptr<const Node> node, int output) : node_(std::move(node)), output_(output) {}
  const std::shared_ptr<const Node>& node() const { return node_; }
  int output() const { return output_; }
  friend bool operator==(const Array& a, const Array& b) { return a.node_ == b.node_ && a.output_ == b.output_; }

 private:
  std::shared_ptr<const Node> node_;
  int output_ = 0;
};

/// One operation applied to its inputs. Equal nodes are one node.
struct Node {
  std::shared_ptr<const Op> op;
  std::vector<Array> inputs;
  std::vector<ChunkGrid> chunks;  ///< one an output
};

/// Applies `op`: the node that stands already for the same operation on the same inputs, or a new one. Thread-safe.
std::vector<Array> apply_op_all(std::shared_ptr<const Op> op, std::vector<Array> inputs);
/// The only output of an operation with one.
Array apply_op(std::shared_ptr<const Op> op, std::vector<Array> inputs);

/// An array of stored data.
Array from_source(std::shared_ptr<const Source> source);

/// All nodes that `roots` need, inputs before users, each once.
std::vector<std::shared_ptr<const Node>> topological_order(const std::vector<Array>& roots);

}  // namespace freestone
